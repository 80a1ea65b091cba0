import json
from dataclasses import replace
from itertools import pairwise

import pytest

from cnnref.experiments import CATALOGUE, UnknownExperimentError, experiment, run
from cnnref.experiments.catalogue import LADDER, Expectation
from cnnref.experiments.catalogue.digits import LEARNING_RATES, PICKED_RATE
from cnnref.experiments.catalogue.fashion import PICKED_RATES, TRIED_RATES


def test_names_are_keys_and_fields_are_json():
    for name, entry in CATALOGUE.items():
        assert entry.name == name
        assert json.loads(json.dumps(entry.fields)) == entry.fields
        assert "seed" not in entry.fields["recipe"]


def test_the_handouts_experiment():
    """UT-P2.5 and 2.6: Adam at 0.001, binary cross-entropy, batches of 100, 20 epochs; 5 seeds."""
    entry = experiment("cats-dogs-plain")
    assert entry.dataset == "cats-dogs"
    assert (entry.model, dict(entry.arguments)) == ("PlainCNN", {})
    recipe = entry.recipe
    assert (recipe.optimizer, recipe.learning_rate, recipe.epochs) == ("adam", 0.001, 20)
    assert (recipe.batch_size, recipe.loss) == (100, "binary-cross-entropy")
    assert len(entry.seeds) == 5


def test_the_nearest_name_is_suggested():
    with pytest.raises(UnknownExperimentError, match="did you mean 'cats-dogs-plain'"):
        experiment("cat-dogs-plain")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Tiny Run"}, "'Tiny Run'"),
        ({"name": "../up"}, r"'\.\./up'"),
        ({"dataset": "cat-dogs"}, "did you mean 'cats-dogs'"),
        ({"model": "PlainCMN"}, "did you mean 'PlainCNN'"),
        ({"seeds": ()}, "seeds"),
        ({"seeds": (1, 1)}, r"\(1, 1\)"),
        ({"seeds": (-1,)}, "seed must be an integer of at least 0, got -1"),
        ({"name": "café"}, "'café'"),
    ],
)
def test_bad_experiments_are_refused(tiny, change, message):
    with pytest.raises(ValueError, match=message):
        replace(tiny, **change)


def test_arguments_are_as_json_gives_them_back(tiny):
    entry = replace(tiny, arguments={"channels": (3, 4)})
    assert json.loads(json.dumps(entry.fields)) == entry.fields


def test_arguments_are_frozen(tiny):
    with pytest.raises(TypeError):
        tiny.arguments["dropout"] = 0.4


EXPECTING = [entry for entry in CATALOGUE.values() if entry.expected]


def test_a_range_is_reasoned_and_an_outcome_outside_is_explained():
    for entry in EXPECTING:
        assert entry.expected.reason
        mean = run(entry, mode="stored").final().mean()
        outside = mean not in entry.expected
        assert outside == bool(entry.expected.explanation), f"{entry.name}: {mean}"


def test_every_range_can_be_missed():
    """The widest is that of Kat's small filters, from below chance to well above it."""
    for entry in EXPECTING:
        assert entry.expected.high - entry.expected.low < 0.175, entry.name


def test_the_book_says_which_ranges_were_set_after_the_first_results():
    """Those of Kat's cat, and of cats and dogs; see the dates of the records and of the commits."""
    assert {entry.dataset for entry in EXPECTING if entry.expected.afterwards} == {
        "cats-dogs", "kats-cat", "kats-cat-moved",
    }  # fmt: skip


@pytest.mark.parametrize(("low", "high"), [(0.6, 0.5), (-0.1, 0.5), (0.5, 1.1)])
def test_an_expectation_is_a_range_of_shares(low, high):
    with pytest.raises(ValueError, match=f"{low}"):
        Expectation(low, high, "none")


def test_the_picked_learning_rate_is_the_best_on_the_validation_set():
    tried = {e.recipe.learning_rate: e for e in CATALOGUE.values() if e.name.startswith("rate-")}
    assert sorted(tried) == sorted(LEARNING_RATES)
    assert {entry.split for entry in tried.values()} == {"validation"}
    best = max(tried, key=lambda rate: run(tried[rate], mode="stored").final().mean())
    assert best == PICKED_RATE


@pytest.mark.parametrize("optimizer", TRIED_RATES)
def test_every_optimizer_has_its_best_rate_and_the_same_budget(optimizer):
    tried = [e for e in CATALOGUE.values() if e.name.startswith(f"tune-{optimizer}-")]
    assert [e.recipe.learning_rate for e in tried] == list(TRIED_RATES[optimizer])
    assert {(e.split, e.seeds, e.recipe.epochs) for e in tried} == {("validation", (0,), 3)}
    best = max(tried, key=lambda entry: run(entry, mode="stored").final()[0])
    final = experiment(f"optimizer-{optimizer}")
    assert final.split == "test"
    assert final.recipe == best.recipe
    assert best.recipe.learning_rate == PICKED_RATES[optimizer]


def test_a_rung_of_the_ladder_has_all_that_the_one_below_it_has():
    """Each changes one thing; but the first changes the network, and the last two the loop."""
    for below, above in pairwise(LADDER[1:-2]):
        a, b = CATALOGUE[below], CATALOGUE[above]
        changed = {k for k in ("recipe", "arguments") if getattr(a, k) != getattr(b, k)}
        assert len(changed) == 1, above
    looped, sprinted, top = (CATALOGUE[name] for name in LADDER[-3:])
    # The sprint is as large and as long as the rung below; the top changes nothing but these.
    assert sprinted.arguments == {"widths": looped.arguments["widths"]}
    assert sprinted.recipe.epochs == looped.recipe.epochs
    assert top.recipe == replace(sprinted.recipe, epochs=top.recipe.epochs)
    assert {name for name in CATALOGUE if name.startswith("ladder-")} == {
        *LADDER[1:], *(name for name in CATALOGUE if name.startswith("ladder-tune-"))
    }  # fmt: skip


def test_the_rates_of_the_ladder_are_the_best_of_those_tried():
    for schedule, rung in (("constant", "ladder-batch-norm"), ("one-cycle", "ladder-one-cycle")):
        tried = {
            entry.recipe.learning_rate: run(entry, mode="stored").final()[0]
            for name, entry in CATALOGUE.items()
            if name.startswith(f"ladder-tune-{schedule}-")
        }
        picked = CATALOGUE[rung].recipe.learning_rate
        assert tried[picked] == max(tried.values())
        assert min(tried) < picked < max(tried)


def test_a_sprint_keeps_no_tail():
    with pytest.raises(ValueError, match="keep_tail of ladder-94: a sprint keeps no tail"):
        replace(CATALOGUE["ladder-94"], keep_tail=True)


@pytest.mark.parametrize("moments", [(3, 1), (1, 1), (-1, 4), (0, 11_257)])
def test_moments_rise_within_the_steps(moments):
    narrow = CATALOGUE["digits-cnn-narrow"]
    assert narrow.steps == narrow.keep_moments[-1] == 11_256
    with pytest.raises(ValueError, match="must rise within 0 to 11256, its steps, got"):
        replace(narrow, keep_moments=moments)
    with pytest.raises(ValueError, match="keep_moments of ladder-94: a sprint keeps no moments"):
        replace(CATALOGUE["ladder-94"], keep_moments=(0,))
