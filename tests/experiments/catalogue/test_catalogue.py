import json
from dataclasses import replace

import pytest

from cnnref.experiments import CATALOGUE, UnknownExperimentError, experiment


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
