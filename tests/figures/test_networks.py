"""Pictures of counted networks show what was counted, and say it."""

import pytest
import torch
from torch import nn

from cnnref.accounting import effective_receptive_field, summarize
from cnnref.figures import budget_picture, energy_picture, reach_picture, summary_picture


class Small(nn.Module):
    """A field that grows, one that is cut off by the input, and a layer that sees everything."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.relu = nn.ReLU()
        self.wide = nn.Conv2d(2, 4, 9, padding=4)
        self.fc = nn.Linear(4 * 8 * 8, 5)

    def forward(self, x):
        return self.fc(self.wide(self.relu(self.conv(x))).flatten(1))


@pytest.fixture(scope="module")
def counted():
    return summarize(Small(), (1, 8, 8))


def labels(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def extents(axes):
    """First and last position of each bar."""
    return [(bar.get_x() + 0.5, bar.get_x() + bar.get_width() - 0.5) for bar in bars(axes)]


def bars(axes):
    return [bar for container in axes.containers for bar in container]


def test_reaches_are_the_middle_units(counted):
    picture = reach_picture(counted, "Small one")
    (axes,) = picture.figure.axes
    assert labels(axes) == ["conv", "wide", "fc"]  # the ReLU sees what conv sees
    middle = [counted[name].fields[0].seen(4) for name in ("conv", "wide")]
    assert extents(axes) == [*middle, (0, 7)] == [(3, 5), (0, 7), (0, 7)]
    assert [text.get_text() for text in axes.texts] == ["3", "11"]
    frames = [p for p in axes.patches if p not in bars(axes) and not p.get_fill()]
    assert [(f.get_x() + 0.5, f.get_width()) for f in frames] == [(3, 3), (-1, 11)]
    assert picture.alt == (
        "Small one. Receptive field of the middle unit along the first axis: conv 3; "
        "wide 11, positions 0 to 7; fc has no field and sees positions 0 to 7."
    )


def test_what_has_no_field_looks_different(counted):
    (axes,) = reach_picture(counted).figure.axes
    conv, wide, fc = (bar.get_facecolor() for bar in bars(axes))
    assert conv == wide != fc
    assert [t.get_text() for t in axes.get_legend().get_texts()] == [
        "input", "field", "seen, no field",
    ]  # fmt: skip


def test_budgets_are_shares(counted):
    picture = budget_picture(counted)
    (axes,) = picture.figure.axes
    assert labels(axes) == ["conv", "wide", "fc"]
    parameters = [20, 4 * (2 * 81 + 1), 5 * (256 + 1)]
    macs = [64 * 18, 64 * 4 * 162, 1280]
    widths = [bar.get_width() for bar in bars(axes)]
    expected = [100 * n / sum(counts) for counts in (parameters, macs) for n in counts]
    assert widths == pytest.approx(expected)
    (p, q, r), (s, t, u) = ([f"{x:.1f}" for x in part] for part in (expected[:3], expected[3:]))
    assert picture.alt == (
        f"Small. Percent of {sum(parameters):,} parameters and of {sum(macs):,} MACs: "
        f"conv {p} and {s}; wide {q} and {t}; fc {r} and {u}; below 0.05 elsewhere."
    )


def test_no_bar_lies_under_the_legend(counted):
    for picture in (reach_picture(counted), budget_picture(counted)):
        picture.figure.canvas.draw()
        for axes in picture.figure.axes:
            legend = axes.get_legend().get_window_extent()
            assert legend.y0 >= axes.get_window_extent().y1 - 1


def test_both_side_by_side(counted):
    picture = summary_picture(counted)
    left, right = picture.figure.axes
    assert labels(left) == ["conv", "wide", "fc"]
    assert len(bars(left)) == 3
    assert len(bars(right)) == 6
    assert picture.alt.startswith("Small, layer by layer. Receptive field")
    assert "Percent of" in picture.alt


def test_two_drawings_are_the_same(counted):
    for draw in (reach_picture, budget_picture, summary_picture):
        first, second = (draw(counted)._repr_mimebundle_() for _ in range(2))
        assert first == second


def test_large_networks_are_added_up_until_they_can_be_read():
    """50 blocks of two layers each, in five stages: shown by block they would be too many."""
    stages = nn.Sequential(
        *(
            nn.Sequential(
                *(nn.Sequential(nn.Conv1d(1, 1, 3), nn.Conv1d(1, 1, 3)) for _ in range(10))
            )
            for _ in range(5)
        )
    )
    counted = summarize(stages, (1, 300))
    for draw in (reach_picture, budget_picture, summary_picture):
        assert labels(draw(counted).figure.axes[0]) == ["0", "1", "2", "3", "4"]
    assert budget_picture(counted).alt.count("20.0 and") == 5


def test_a_long_name_keeps_its_end():
    inner = nn.Sequential(nn.Conv1d(1, 1, 3))
    model = nn.Module()
    model.add_module("a_name_that_nobody_would_want_to_read", inner)
    model.forward = inner.forward
    (axes,) = reach_picture(summarize(model, (1, 9))).figure.axes
    assert labels(axes) == ["…dy_would_want_to_read.0"]


def test_a_lower_bound_says_so():
    class Transformed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(1, 1, 3)

        def forward(self, x):
            return torch.fft.rfft(self.conv(x)).abs()

    counted = summarize(Transformed(), (1, 9))
    assert counted.macs_status == "partial"
    assert "MACs, a lower bound: conv" in budget_picture(counted).alt


def test_nothing_to_draw_is_refused():
    nothing = summarize(nn.Flatten(), (3,))
    with pytest.raises(ValueError, match="no layer of Flatten has a receptive field"):
        reach_picture(nothing)
    with pytest.raises(ValueError, match="no layer of Flatten has parameters or MACs"):
        budget_picture(nothing)
    unfollowed = summarize(Small(), (1, 8, 8), receptive_fields=False)
    with pytest.raises(ValueError, match="no layer of Small has a receptive field"):
        reach_picture(unfollowed)


def test_energy_is_framed_by_the_field():
    torch.manual_seed(0)
    field = effective_receptive_field(Small(), "conv", (1, 8, 8), unit=(0, 5), samples=1)
    picture = energy_picture(field)
    (axes,) = picture.figure.axes
    (frame,) = axes.patches
    assert (frame.get_x(), frame.get_y()) == (3.5, -0.5)
    assert (frame.get_width(), frame.get_height()) == (3, 2)
    assert picture.alt.startswith(
        "conv, unit (0, 5): the field is rows 0 to 1 and columns 4 to 6; "
    )
    shown = axes.images[0].get_array()
    assert float(shown[0:2, 4:7].min()) > 0
    assert float((shown**2).sum()) == pytest.approx(1)
    assert not picture.vector


def test_energy_of_one_axis_is_refused():
    field = effective_receptive_field(nn.Sequential(nn.Conv1d(1, 1, 3)), "0", (1, 9), samples=1)
    with pytest.raises(ValueError, match="an input of two axes can be drawn, got 1"):
        energy_picture(field)
