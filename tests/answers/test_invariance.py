"""The chapter on invariance, by plain loops over lists of whole numbers and by enumeration.

Nothing here uses the library, its claims apart, or the chapter's own functions; the chapter's
results are compared with what comes out.
"""

import random
from fractions import Fraction
from itertools import combinations, permutations, product

N = 6


def shifted(x, k):
    """A grid whose columns move k places to the right, around the edge."""
    return [[row[(j - k) % len(row)] for j in range(len(row))] for row in x]


def grid(seed):
    draw = random.Random(seed)
    return [[draw.randint(-9, 9) for _ in range(N)] for _ in range(N)]


W = [[3, -1, 4], [1, -5, 9], [-2, 6, 5]]
DENSE = [[random.Random(7 * a + b).randint(-3, 3) for b in range(N * N)] for a in range(N * N)]


def at(x, i, j, circular):
    if circular:
        return x[i % N][j % N]
    return x[i][j] if 0 <= i < N and 0 <= j < N else 0


def conv(x, stride=1, circular=True):
    start = 0 if circular else -1
    return [
        [
            sum(
                W[a][b] * at(x, i + start + a, j + start + b, circular)
                for a, b in product(range(3), repeat=2)
            )
            for j in range(0, N, stride)
        ]
        for i in range(0, N, stride)
    ]


def pool(x, stride):
    return [
        [
            max(at(x, i + a, j + b, True) for a, b in product(range(2), repeat=2))
            for j in range(0, N, stride)
        ]
        for i in range(0, N, stride)
    ]


def dense(x):
    flat = [v for row in x for v in row]
    out = [sum(w * v for w, v in zip(row, flat, strict=True)) for row in DENSE]
    return [out[N * i : N * i + N] for i in range(N)]


LAYERS = {
    "ReLU": lambda x: [[max(v, 0) for v in row] for row in x],
    "conv, circular": conv,
    "conv, zero padding": lambda x: conv(x, circular=False),
    "conv, stride 2": lambda x: conv(x, stride=2),
    "max-pooling, stride 1": lambda x: pool(x, 1),
    "max-pooling, stride 2": lambda x: pool(x, 2),
    "global maximum": lambda x: [[max(v for row in x for v in row)]],
    "global average": lambda x: [[Fraction(sum(v for row in x for v in row), N * N)]],
    "fully connected": dense,
}


def test_layers_by_loops(chapter):
    """Each layer has each property for five random grids, or lacks it for one, as the page says."""
    violations = chapter("invariance")["violations"]
    assert set(violations) == set(LAYERS)
    for name, layer in LAYERS.items():
        for place, (shift, there) in enumerate(((1, 1), (2, 1), (2, 0))):
            holds = all(
                layer(shifted(x, shift)) == shifted(layer(x), there) for x in map(grid, range(5))
            )
            assert holds == (violations[name][place] < 1e-12), (name, shift, there)


def test_every_map_that_commutes_with_shifts_is_circulant(chapter):
    """Averaging any map over the group makes it commute, and gives one weight per difference."""
    page = chapter("invariance")
    size = len(page["A"])
    draw = random.Random(0)
    any_map = [[draw.randint(-9, 9) for _ in range(size)] for _ in range(size)]
    averaged = [
        [sum(any_map[(i + k) % size][(m + k) % size] for k in range(size)) for m in range(size)]
        for i in range(size)
    ]
    for i, m in product(range(size), repeat=2):
        assert averaged[(i + 1) % size][(m + 1) % size] == averaged[i][m]
    # One free weight for each difference of output and input place: the page's null space.
    orbits = {frozenset(((i + k) % size, (m + k) % size) for k in range(size))
              for i, m in product(range(size), repeat=2)}  # fmt: skip
    assert len(orbits) == len(page["commutant"]) == size == 7
    found = page["A"].tolist()
    for orbit in orbits:
        values = [found[i][m] for i, m in orbit]
        assert max(values) - min(values) < 1e-12


def test_survivors_of_pooling_by_enumeration(chapter):
    """Two by two windows a column apart, over every order of the six values they see."""
    survived = chapter("invariance")["survived"]
    left, right = [(0, 0), (1, 0), (0, 1), (1, 1)], [(0, 1), (1, 1), (0, 2), (1, 2)]
    places = sorted({*left, *right})
    same = total = 0
    for order in permutations(range(6)):
        value = dict(zip(places, order, strict=True))
        same += max(value[p] for p in left) == max(value[p] for p in right)
        total += 1
    assert Fraction(same, total) == Fraction(2 - 1, 2 + 1)
    assert abs(survived[2, 1] - same / total) < 0.01
    # For larger windows it matters alone where the largest of all values lies.
    for (window, t), share in survived.items():
        columns = [set(range(window)), set(range(t, window + t))]
        shared = len(columns[0] & columns[1]) / len(columns[0] | columns[1])
        assert abs(share - shared) < 0.01


def test_pooling_makes_a_shift_smaller_in_the_trained_network(chapter):
    page = chapter("invariance")
    for t in range(1, 5):
        assert page["change"]["pool3"][t] < page["change"]["conv2"][t]
        assert page["change"]["pool6"][t] < page["change"]["conv5"][t]
    # The measure itself, by loops, on the first feature of a few images.
    before = page["stages"][0]["pool6"][:, :2].flatten(1).tolist()
    after = page["stages"][1]["pool6"][:, :2].flatten(1).tolist()
    images = range(len(before))

    def apart(a, b):
        return sum((u - v) ** 2 for u, v in zip(a, b, strict=True))

    moved = sum(apart(after[i], before[i]) for i in images)
    others = sum(apart(before[i], before[i - 1]) for i in images)
    import torch

    both = [torch.tensor(v).view(len(before), 2, -1) for v in (before, after)]
    assert abs(page["relative_change"](*both) - moved / others) < 1e-9


def test_the_claims_measure_what_the_chapter_shows(chapter):
    from cnnref.experiments import CLAIMS

    page = chapter("invariance")
    change = page["change"]

    def told(name):
        return CLAIMS[name].look().shows

    def listed(name, shifts):
        return ", ".join(f"{v:.2f}" for v in change[name][1 : shifts + 1])

    behind = ("conv2", "pool3", "conv5", "pool6")
    assert told("shift-pooling") == "; ".join(f"{name} {listed(name, 4)}" for name in behind)
    assert told("shift-logit") == f"{listed('logit', 3)} against {listed('input', 3)}"
    assert told("turn-larger") == f"{page['turn_change']:.2f} against {change['pool6'][1]:.2f}"
    for claim, found in (
        ("shift-instead", [of[0] for of in page["instead_change"].values()]),
        ("shift-kept", page["unchanged"].values()),
    ):
        shown = sorted(part.split()[-1] for part in told(claim).split(", "))
        assert shown == sorted(f"{v:.3f}" for v in found)


def turned(x):
    """A quarter turn to the left: the last column becomes the first row."""
    return [[row[j] for row in x] for j in reversed(range(len(x[0])))]


def correlated(x, w):
    size, k = len(x), len(w)
    return [
        [
            sum(w[a][b] * x[i + a][j + b] for a, b in product(range(k), repeat=2))
            for j in range(size - k + 1)
        ]
        for i in range(size - k + 1)
    ]


def test_rotation_by_loops(chapter):
    x = grid(11)
    assert correlated(turned(x), turned(W)) == turned(correlated(x, W))
    assert correlated(turned(x), W) != turned(correlated(x, W))
    symmetric = [[7, 2, 7], [2, -5, 2], [7, 2, 7]]
    assert turned(symmetric) == symmetric
    assert correlated(turned(x), symmetric) == turned(correlated(x, symmetric))
    # The orbits of the nine places under the turn are the free weights.
    orbits = set()
    for i, j in product(range(3), repeat=2):
        orbit, place = set(), (i, j)
        for _ in range(4):
            orbit.add(place)
            place = (2 - place[1], place[0])
        orbits.add(frozenset(orbit))
    page = chapter("invariance")
    assert page["free"] == len(orbits) == 3
    assert page["both"] < 1e-12 < 0.1 < page["plain"]
    assert page["even"] < 1e-12


def test_invariance_saves_examples(chapter):
    page = chapter("invariance")
    learned, elsewhere = page["learned"], page["elsewhere"]
    assert learned["global maxima"][1] > learned["raw entries"][-1]
    assert elsewhere["maxima"] > elsewhere["raw"] + 0.2
    # A circular shift of a signal leaves the page's invariant features alone.
    x = page["signals"](4)[0].double()
    rolled = page["global_maxima"](x.roll(5, 1))
    assert (rolled - page["global_maxima"](x)).abs().max() < 1e-12


def test_the_least_errors_of_an_invariant_predictor(chapter):
    page = chapter("invariance")
    size, width = page["N"], page["width"]
    assert (size, width) == (24, 5)
    mean = Fraction(sum(range(1, size + 1)), size)
    variance = sum((p - mean) ** 2 for p in range(1, size + 1)) / size
    assert variance == Fraction(size**2 - 1, 12)
    assert abs(page["least_detection"] - float(variance)) < 1e-9
    masks = [{(k + b) % size for b in range(width)} for k in range(size)]
    # Pixels are judged one by one: the best mask has for each what is right more often.
    wrong = 0
    for pixel in range(size):
        inside = sum(pixel in mask for mask in masks)
        wrong += min(inside, size - inside)
    assert abs(page["least_segmentation"] - wrong / size**2) < 1e-12
    for a, b in combinations(range(1, size + 1), 2):
        assert abs(a - b) >= 1  # no constant is within half a place of two places
    assert abs(page["most_pose"] - 1 / size) < 1e-12
