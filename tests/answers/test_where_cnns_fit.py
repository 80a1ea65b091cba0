"""Where a convolutional network fits: the chapter's numbers by plain loops.

Nothing here imports `cnnref` or torch. Each oracle states the premises again and gets to the number
by another way than the chapter: rays, walks, counts and recursions.
"""

import math
from fractions import Fraction
from itertools import permutations

import pytest

PAGE = "where-cnns-fit"


def pixel_of(metres, height=100.0, focal_length=8.8e-3, width=13.2e-3, pixels=5472):
    """The pixel column that a ray from a point on the ground through the lens lands on."""
    return pixels / 2 + focal_length / height * metres * pixels / width


def test_pixels_on_the_wolf_by_tracing_rays(chapter):
    page = chapter(PAGE)
    for side, metres in {"length": 1.2, "width": 0.35}.items():
        pixels = pixel_of(metres / 2) - pixel_of(-metres / 2)
        assert page["wolf_pixels"][side] == pytest.approx(pixels)
        assert page["shrunk"][side] == pytest.approx(pixels / 5472 * 224)
        for jump in (2, 4, 8, 16, 32):
            assert page["cells"][jump][side] == pytest.approx(pixels / jump)
    assert page["ground_sample"] == pytest.approx(1 / (pixel_of(1.0) - pixel_of(0.0)))


def test_tiles_by_walking_over_every_place(chapter):
    page = chapter(PAGE)

    def starts(pixels, overlap):
        """Lay tile after tile, the last one flush with the end."""
        found = [0]
        while found[-1] + 512 < pixels:
            found.append(min(found[-1] + 512 - overlap, pixels - 512))
        return found

    assert page["columns"] == starts(5472, 64)
    assert page["rows"] == starts(3648, 64)
    assert len(page["columns"]) * len(page["rows"]) == 104
    assert page["wolf_length"] == 44
    for overlap, name in ((64, "lost"), (0, "lost_without")):
        whole = {
            place for start in starts(5472, overlap) for place in range(start, start + 512 - 44 + 1)
        }
        places = set(range(5472 - 44 + 1))
        assert page[name] == pytest.approx(len(places - whole) / len(places))


def test_precision_by_counting_tiles(chapter):
    page = chapter(PAGE)
    tiles = 10**8
    wolves = tiles // 10_000
    found, false_alarms = wolves * 95 // 100, (tiles - wolves) // 100
    assert page["precision"] == pytest.approx(float(Fraction(found, found + false_alarms)))
    right = found + (tiles - wolves) - false_alarms
    assert page["accuracy"] == pytest.approx(right / tiles)


def test_frames_by_sliding(chapter):
    page = chapter(PAGE)

    def slide(samples, kernel, stride):
        start = count = 0
        while start + kernel <= samples:
            start, count = start + stride, count + 1
        return count

    assert page["frames"] == slide(160_000, 400, 160) == 998
    length = 160_000
    for kernel, stride in ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2)):
        length = slide(length, kernel, stride)
    assert page["encoded"] == length == 499
    assert page["characters"] == sum(15 for _ in range(10))


def reach(layers, output=0):
    """First and last input position behind one output of a chain of (kernel, stride, dilation)."""
    positions = {output}
    for kernel, stride, dilation in reversed(layers):
        positions = {p * stride + tap * dilation for p in positions for tap in range(kernel)}
    return min(positions), max(positions)


def size_and_jump(layers):
    (first, last), (second, _) = reach(layers), reach(layers, 1)
    return last - first + 1, second - first


def test_receptive_fields_by_following_taps(chapter):
    page = chapter(PAGE)
    encoder = [(10, 5, 1), *[(3, 2, 1)] * 4, *[(2, 2, 1)] * 2]
    assert (page["field"].size, page["field"].jump) == size_and_jump(encoder) == (400, 320)
    doubling = [(2, 1, 2**i) for i in range(10)]
    assert page["one"].size == size_and_jump(doubling)[0] == 1024
    assert page["three"].size == size_and_jump(doubling * 3)[0] == 3070
    layers, seen = 0, 1
    while seen < 3 * 16_000:
        layers, seen = layers + 1, seen + 2**layers
    assert page["sentence_layers"] == layers == 16
    strided, dilated = page["strided"], page["dilated"]
    assert (strided.size, strided.jump) == size_and_jump([(3, 2, 1)] * 5) == (63, 32)
    assert (dilated.size, dilated.jump) == size_and_jump([(3, 2, 1)] * 3 + [(3, 1, 1), (3, 1, 2)])
    assert len(page["reached"]) == size_and_jump(doubling[:4])[0]


def ctc_forward(log_probs, text):
    """The probability of a text by the forward recursion over blanks and characters."""
    states = [0]
    for character in text:
        states += [character, 0]
    alpha = [0.0] * len(states)
    for t, row in enumerate(log_probs):
        before = alpha
        alpha = []
        for s, symbol in enumerate(states):
            if t == 0:
                total = 1.0 if s < 2 else 0.0
            else:
                total = before[s] + (before[s - 1] if s > 0 else 0.0)
                if s > 1 and symbol != 0 and symbol != states[s - 2]:
                    total += before[s - 2]
            alpha.append(total * math.exp(row[symbol]))
    return alpha[-1] + alpha[-2]


def test_ctc_by_the_forward_recursion(chapter):
    page = chapter(PAGE)
    assert len(page["probabilities"]) == 4
    for (_, text), (log_probs, total) in page["probabilities"].items():
        assert total == pytest.approx(ctc_forward(log_probs, text), abs=1e-14)
    text = [1 + i % 2 for i in range(150)]
    for stride, finite in page["finite"].items():
        rows = [[-math.log(3)] * 3] * (998 // stride)
        assert finite == (ctc_forward(rows, text) > 0)


def test_mean_over_frames_by_loops(chapter):
    """The frame-wise features of the clip by loops, in every order of three frames."""
    page = chapter(PAGE)
    clip = page["opening"][0, 0].tolist()
    kernels = page["w_frame"][:, 0].tolist()

    def features(frame):
        """Padded convolution, ReLU and mean of each kernel."""
        found = []
        for kernel in kernels:
            total = 0.0
            for y in range(12):
                for x in range(12):
                    value = 0.0
                    for a in range(3):
                        for b in range(3):
                            row, column = y + a - 1, x + b - 1
                            if 0 <= row < 12 and 0 <= column < 12:
                                value += kernel[a][b] * frame[row][column]
                    total += max(value, 0.0)
            found.append(total / 144)
        return found

    per_frame = [features(frame) for frame in clip]
    mean = [sum(column) / 8 for column in zip(*per_frame, strict=True)]
    assert page["frames_averaged"](page["opening"]).tolist() == pytest.approx(mean, abs=1e-14)
    assert page["frames_averaged"](page["closing"]).tolist() == pytest.approx(mean, abs=1e-14)
    for order in permutations(range(3)):
        clip_in_order = page["opening"][:, :, [*order, 3, 4, 5, 6, 7]]
        found = page["frames_averaged"](clip_in_order).tolist()
        assert found == pytest.approx(mean, abs=1e-14)


def test_movement_to_the_right_by_loops(chapter):
    page = chapter(PAGE)
    for name, expected in (("opening", page["to_the_right"]), ("closing", page["to_the_left"])):
        clip = page[name][0, 0].tolist()
        total = 0.0
        for t in range(6):
            for y in range(12):
                for x in range(10):
                    value = sum(
                        (1.0 if a == b else -0.5) * clip[t + a][y][x + b]
                        for a in range(3)
                        for b in range(3)
                    )
                    total += max(value - 2, 0.0)
        assert total == expected
    assert (page["to_the_right"], page["to_the_left"]) == (72, 0)


def test_costs_by_counting(chapter):
    page = chapter(PAGE)

    def count(*ranges):
        total = 1
        for size in ranges:
            total = sum(total for _ in range(size))
        return total

    middle = max(m for m in range(300) if count(9, 64, m) + count(3, m, 64) <= count(27, 64, 64))
    assert page["between"] == middle == 144
    expected = {
        "2-D, frame by frame": count(9, 64, 64),
        "2-D with temporal shift": count(9, 64, 64),
        "(2+1)-D": count(9, 64, 144) + count(3, 144, 64),
        "3-D": count(27, 64, 64),
    }
    assert page["weights"] == expected
    assert page["macs"] == {name: n * count(16, 56, 56) for name, n in expected.items()}
