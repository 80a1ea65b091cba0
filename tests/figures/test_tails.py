"""The last steps of training: a panel for each experiment, a line for each seed, words for both."""

from dataclasses import replace

import pytest

from cnnref.figures import tails_picture
from tests.made_results import CLOTHES, TUNING, made_result


def tailed(name, accuracies):
    """A result of tuning whose records keep these accuracies of their last steps."""
    result = made_result(replace(TUNING, name=name), [0.9] * len(accuracies))
    for record, values in zip(result.records, accuracies, strict=True):
        record.content["tail"] = {"accuracy": values, "loss": [1 - v for v in values]}
    return result


@pytest.fixture
def ways():
    return {
        "full": tailed("full", [[0.95, 0.96, 0.91], [0.94, 0.95, 0.94]]),
        "scaled": tailed("scaled", [[0.95, 0.96, 0.955], [0.94, 0.95, 0.945]]),
    }


def test_a_panel_for_each_experiment_and_a_line_for_each_seed(ways):
    panels = tails_picture(ways, title="Last steps").figure.axes
    assert [axes.get_title() for axes in panels] == ["full", "scaled"]
    for axes, result in zip(panels, ways.values(), strict=True):
        assert [line.get_label() for line in axes.lines] == ["seed 0", "seed 1"]
        for line, record in zip(axes.lines, result.records, strict=True):
            assert line.get_xdata().tolist() == [-2, -1, 0]
            assert line.get_ydata().tolist() == record["tail"]["accuracy"]
        assert len({(line.get_color(), line.get_marker()) for line in axes.lines}) == 2
        assert axes.get_xlabel() == "step, from the last"
    assert panels[0].get_ylim() == panels[1].get_ylim()
    assert panels[0].get_ylabel() == "validation accuracy"
    assert panels[0].yaxis.get_major_formatter()(0.95).endswith(" %")


def test_words_say_what_the_last_step_did(ways):
    words = tails_picture(ways).alt
    assert words.startswith("The validation accuracy after each of the last steps of training.")
    assert (
        "full: seed 0 between 95.0 and 96.0 %, 96.0 one step before the end, 91.0 after the last "
        "step; seed 1 between"
    ) in words
    assert "scaled: seed 0 between 95.0 and 96.0 %" in words
    losses = tails_picture(ways, "loss")
    assert "0.040 one step before the end, 0.090 after the last step" in losses.alt
    assert losses.figure.axes[0].get_ylabel() == "validation loss (nats per image)"


def test_what_kept_no_last_steps_is_refused(ways):
    with pytest.raises(ValueError, match="clothes did not keep its last steps"):
        tails_picture([made_result(CLOTHES, [0.9])])
    with pytest.raises(ValueError, match="one split, got test and validation"):
        tails_picture({**ways, "clothes": made_result(CLOTHES, [0.9])})
