"""Oracles for `the-mit-recipe`: means and distances from the record files by hand."""

import pytest

from tests.answers.record_files import accuracies, contents, mean_and_spread


@pytest.fixture(scope="module")
def page(chapter):
    return chapter("the-mit-recipe")


def test_means_and_distances_from_the_record_files(page):
    """Every network under every recipe: the scale, the split, the mean, the distances."""
    printed = {"linear": 0.851, "mlp-128": 0.900, "mlp-256": 0.913, "mlp-512": 0.921,
               "mlp-1024": 0.930, "mlp-512-256": 0.922}  # fmt: skip
    assert list(printed) == list(page["NETWORKS"])
    assert len(page["searched"]) == 10
    for label, row in (page["searched"] | page["contrasts"]).items():
        images = 10_000 if "-10k" in label else 60_000
        distances = []
        for name, result in row.items():
            mean, _ = mean_and_spread(accuracies(result))
            assert page["means"][label][name] == pytest.approx(mean, abs=1e-12)
            distances.append(abs(mean - printed[name]))
            for content in contents(result):
                scale = content["experiment"]["recipe"].get("pixels", "standardised")
                assert (scale == "unit") == (not label.endswith("-standardised"))
                assert content["dataset"]["train_size"] == images
                assert len(content["history"]["test_accuracy"]) == 1
                assert "validation_accuracy" not in content["history"]
        assert page["farthest"][label] == pytest.approx(max(distances), abs=1e-12)
    assert page["farthest"][page["nearest"]] == min(page["farthest"][k] for k in page["searched"])


def test_distances_of_both_answers_for_one_network(page):
    """.922 and .968, from the files: what each recipe's mean lies away from either."""
    for label, row in page["searched"].items():
        mean, _ = mean_and_spread(accuracies(row["mlp-512-256"]))
        apart = [abs(mean - answer) for answer in (0.922, 0.968)]
        assert page["from_both"][label] == pytest.approx(max(apart), abs=1e-12)
        assert max(apart) >= (0.968 - 0.922) / 2  # no mean is nearer to both
