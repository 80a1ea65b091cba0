"""Oracles for `detecting-a-pattern`: plain loops over pixels, windows, patterns and offsets.

A window of nine pixels is the number whose binary digits say which of them are dark. Mismatches are
then the digits in which two numbers differ, and all 512 patterns and windows can be met in turn.
"""

import itertools
import math

import pytest

CELLS = [(r, c) for r in range(3) for c in range(3)]
CORNERS = {"lower right": (1, 1), "lower left": (1, 0), "upper left": (0, 0), "upper right": (0, 1)}


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("detecting-a-pattern")


def rows(tensor):
    return [[int(v) for v in row] for row in tensor.tolist()]


def light_beyond(image, r, c):
    """A pixel of the image; light outside it."""
    return image[r][c] if 0 <= r < len(image) and 0 <= c < len(image[0]) else -1


def as_number(window):
    return sum((window[r][c] > 0) << (3 * r + c) for r, c in CELLS)


def dark(number, r, c):
    return number >> (3 * r + c) & 1


def corner(number, place):
    """One of the four 2 by 2 corners of a window, as four digits."""
    top, left = place
    return tuple(dark(number, top + r, left + c) for r in (0, 1) for c in (0, 1))


def matched(image, pattern):
    """The response under the centre of the filter, at every pixel."""
    return [
        [
            sum(pattern[a][b] * light_beyond(image, r + a - 1, c + b - 1) for a, b in CELLS)
            for c in range(len(image[0]))
        ]
        for r in range(len(image))
    ]


def test_matched_filter_by_loops(page):
    image, pattern = rows(page["image"]), rows(page["pattern"])
    response = matched(image, pattern)
    highest = max(max(row) for row in response)
    where = [(r, c) for r in range(5) for c in range(5) if response[r][c] == highest]
    assert len(where) == 1
    assert page["brightest"] == [list(where[0]), highest]
    # The pattern stands around that pixel, whole and inside the image.
    (r, c) = where[0]
    assert all(image[r + a - 1][c + b - 1] == pattern[a][b] for a, b in CELLS)
    assert highest == 9
    # A filter that stands on its head finds something else.
    on_its_head = [row[::-1] for row in pattern[::-1]]
    assert page["turned"][1] == max(max(row) for row in matched(image, on_its_head)) < 9


def test_every_pattern_on_every_window(page):
    """All responses are odd, 9 for the pattern itself, at most 7 for any other window."""
    for pattern in range(512):
        for window in range(512):
            agree = 9 - (pattern ^ window).bit_count()
            z = agree - (9 - agree)
            assert (z == 9) == (pattern == window)
            assert z == 9 or z <= 7
    counts = [0] * 10
    for window in range(512):
        counts[window.bit_count()] += 1
    assert page["counts"] == {9 - 2 * m: counts[m] for m in range(10)}


def test_offsets_by_enumeration(page):
    """An offset works if it accepts no window with a mismatch and every one without."""
    grid = [k / 4 for k in range(-48, 1)]
    working = [
        w0
        for w0 in grid
        if all(
            (9 - 2 * m + w0 > 0) == (m == 0) for m in {(w ^ 345).bit_count() for w in range(512)}
        )
    ]
    assert page["working_offsets"] == working
    assert working[0] == -8.75
    assert working[-1] == -7
    assert -8 in working


def test_the_detector_on_images(page):
    """On the page's random images the detector answers 1 exactly where a search finds the Y."""
    pattern = rows(page["pattern"])
    outputs = page["outputs"].tolist()
    assert {0.0, 1.0} == set(outputs)
    for image, output in zip(page["images"], outputs, strict=True):
        image = rows(image)
        held = any(
            all(image[r + a][c + b] == pattern[a][b] for a, b in CELLS)
            for r in range(3)
            for c in range(3)
        )
        assert output == held
        assert output == max(0, max(max(row) for row in matched(image, pattern)) - 8)


def test_patterns_that_padding_completes(page):
    """Exactly the patterns with a light border line, each with an image that fools the detector."""
    lines = [[(i, k) for k in range(3)] for i in (0, 2)]
    lines += [[(k, i) for k in range(3)] for i in (0, 2)]
    at_risk = [
        p for p in range(512) if any(not any(dark(p, *cell) for cell in line) for line in lines)
    ]
    assert page["unsafe"] == len(at_risk) == len(page["fooled"])
    for name, scene in page["fooled"].items():
        pattern = [[1 if c == "#" else -1 for c in row] for row in name.split()]
        assert as_number(pattern) in at_risk
        z = matched(rows(scene), pattern)
        assert max(max(row) for row in z) == 9
        assert max(z[r][c] for r in (1, 2, 3) for c in (1, 2, 3)) < 9


def test_second_layer_by_loops(page):
    image, pattern = rows(page["image"]), rows(page["pattern"])
    features = [
        [
            [
                max(
                    0.0,
                    sum(
                        pattern[top + a][left + b] / 4 * light_beyond(image, r + a, c + b)
                        for a in (0, 1)
                        for b in (0, 1)
                    ),
                )
                for c in range(5)
            ]
            for r in range(5)
        ]
        for top, left in CORNERS.values()
    ]
    assert page["features"].tolist() == features
    assert {v for channel in features for row in channel for v in row} <= {0.0, 0.5, 1.0}

    weights = [[[-1, -1], [-1, 1]], [[-1, -1], [1, -1]], [[1, -1], [-1, -1]], [[-1, 1], [-1, -1]]]
    assert page["second"].tolist() == weights
    response = [
        [
            sum(
                weights[k][a][b] * features[k][r + a][c + b]
                for k in range(4)
                for a in (0, 1)
                for b in (0, 1)
                if r + a < 5 and c + b < 5
            )
            for c in range(5)
        ]
        for r in range(5)
    ]
    assert page["assembled"].tolist() == response
    assert response[1][2] == 4
    assert sorted(v for row in response for v in row)[-2] == page["below"] == 0
    assert page["assembled_peak"] == [[1, 2], 4]


def tables(pattern):
    """What each filter says of each of the 16 patches: `told[filter][patch]`."""
    mine = [corner(pattern, place) for place in CORNERS.values()]
    return [
        {
            patch: max(0.0, 1 - sum(a != b for a, b in zip(patch, f, strict=True)) / 2)
            for patch in itertools.product((0, 1), repeat=4)
        }
        for f in mine
    ]


def test_which_patterns_are_assembled(page):
    """The filter with +1 at each corner's own place, on every window, for every pattern."""
    corners_of = [[corner(w, place) for place in CORNERS.values()] for w in range(512)]
    strict = tied = beaten = far = zeros = 0
    for pattern in range(512):
        told = tables(pattern)
        bracket = [
            {q: told[i][q] - sum(told[k][q] for k in range(4) if k != i) for q in told[0]}
            for i in range(4)
        ]
        values = [sum(bracket[i][cs[i]] for i in range(4)) for cs in corners_of]
        own, other = values[pattern], max(values[:pattern] + values[pattern + 1 :])
        strict, tied, beaten = strict + (own > other), tied + (own == other), beaten + (own < other)
        pairs = itertools.combinations(corners_of[pattern], 2)
        far += all(sum(a != b for a, b in zip(s, t, strict=True)) >= 2 for s, t in pairs)
        # Zeros in place of -1.
        plain = [sum(told[i][cs[i]] for i in range(4)) for cs in corners_of]
        zeros += plain[pattern] == 4 and max(plain[:pattern] + plain[pattern + 1 :]) == 3.5
    assert (page["strict"], page["tied"], page["beaten"]) == (strict, tied, beaten)
    assert sum(page["apart"]) == far
    assert zeros == 512


@pytest.mark.parametrize("name", ["### ### ###", "#.# .#. #.#", "##. .#. ...", "#.. .#. ..#"])
def test_free_signs_on_some_patterns(page, name):
    """Whether any filter of +1 and -1 works, searched corner by corner in plain Python."""
    pattern = [[1 if c == "#" else -1 for c in row] for row in name.split()]
    number = as_number(pattern)
    told = tables(number)
    sixteen = list(itertools.product((1, -1), repeat=4))
    # value[i][s][patch]: what corner i adds if its four weights are the signs number s.
    value = [{q: sum(w * told[k][q] for k, w in enumerate(s)) for q in told[0]} for s in sixteen]
    corners_of = [[corner(w, place) for place in CORNERS.values()] for w in range(512)]
    mine = corners_of[number]
    rivals = [cs for w, cs in enumerate(corners_of) if w != number]
    # Rivals with few different corners are the hardest; meet them first.
    rivals.sort(key=lambda cs: sum(a != b for a, b in zip(cs, mine, strict=True)))

    def works(signs):
        own = sum(value[s][q] for s, q in zip(signs, mine, strict=True))
        return all(own > sum(value[s][q] for s, q in zip(signs, cs, strict=True)) for cs in rivals)

    found = any(works(signs) for signs in itertools.product(range(16), repeat=4))
    flat = [v for row in pattern for v in row]
    at = page["all_windows"].tolist().index(flat)
    assert page["some_signs_work"](at) == found


def unit(signal, w1, w2, w3, b):
    """The outputs, or None where an argument is 0."""
    x = [0, *signal, 0]
    z = [w1 * x[i] + w2 * x[i + 1] + w3 * x[i + 2] + b for i in range(len(signal))]
    return None if 0 in z else [int(v > 0) for v in z]


def test_the_unit_by_loops(page):
    signal, wanted = [0, 0, 1, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 1, 0]
    assert page["signal"].tolist() == signal
    assert page["wanted"].tolist() == wanted
    assert unit(signal, *page["repaired"]) == wanted == page["repaired_output"]
    assert page["printed"] == [-1, 1, -1, -5]
    assert unit(signal, -1, 1, -1, -5) == [0] * 8 == page["printed_output"]
    # With these weights, every offset strictly between -1 and 0 works, and no other.
    for k in range(-600, 600):
        assert (unit(signal, -1, 1, -1, k / 100) == wanted) == (-100 < k < 0)


def test_solution_set_on_a_grid(page):
    signal, wanted = [0, 0, 1, 1, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 1, 0]
    steps = [k / 2 for k in range(-6, 7)]
    solutions = [q for q in itertools.product(steps, repeat=4) if unit(signal, *q) == wanted]
    assert page["solutions"] == len(solutions)
    for bits in itertools.product((0, 1), repeat=5):
        isolated = [
            int(x == 1 and 0 == (bits[i - 1] if i else 0) == (bits[i + 1] if i < 4 else 0))
            for i, x in enumerate(bits)
        ]
        assert all(unit(bits, *q) == isolated for q in solutions)


def test_one_tap_filter_by_loops(page):
    first, second = [0, 0, 0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1, 0, 0]
    assert page["channels"].tolist() == [first, second]
    summed = [1 * first[i] + 1 * second[i] for i in range(8)]
    assert page["mixed"].tolist() == summed == [0, 0, 0, 0, 0, 1, 1, 0]


def test_exercises_by_other_means(page):
    """Expected acceptances in noise from the binomial law; threshold functions by their count."""
    chance = (math.comb(9, 0) + math.comb(9, 1)) / 2**9
    assert math.isclose(page["expected"], 26 * 26 * chance)
    assert (page["lower"], page["upper"]) == (-4, -3)
    assert len(page["computable"]) == 104
