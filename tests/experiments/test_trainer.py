from dataclasses import replace

import pytest
import torch

from cnnref import data
from cnnref.experiments import run
from cnnref.experiments.outcome import MISTAKES
from cnnref.models import build
from cnnref.training import NonFiniteLossError, seeded


def test_a_record_says_what_happened(trained, tiny):
    record = run(tiny, seeds=[1], mode="stored").records[0]
    assert record["experiment"] == tiny.fields
    train = data.load("synthetic", "train")
    assert record["dataset"]["train_sha256"] == train.sha256
    assert record["dataset"]["train_size"] == len(train)
    assert record["provenance"]["device"] in ("cpu", "cuda", "mps")
    assert record["provenance"]["torch"] == torch.__version__
    right = record["confusion"][0][0] + record["confusion"][1][1]
    assert record["final"]["accuracy"] == right / 100
    wrong = 100 - right
    assert len(record["mistakes"]) == min(wrong, MISTAKES)
    certainty = [mistake["probability"] for mistake in record["mistakes"]]
    assert certainty == sorted(certainty, reverse=True)
    assert record.right.sum() == right
    labels = data.load("synthetic", "test").labels.numpy()
    assert [(labels[record.right] == k).sum() for k in (0, 1)] == [
        record["confusion"][k][k] for k in (0, 1)
    ]


def test_the_last_steps_are_kept_where_they_are_asked_for(results, tiny):
    watched = run(replace(tiny, keep_tail=True), seeds=[1]).records[0]
    tail = watched["tail"]
    assert [len(tail[key]) for key in ("loss", "accuracy")] == [8, 8]  # all steps: 12 are not there
    assert tail["accuracy"][-1] == watched["final"]["accuracy"]
    assert tail["loss"][3] == pytest.approx(watched["history"]["test_loss"][0], rel=1e-6)
    plain = run(tiny, seeds=[1], mode="force").records[0]
    assert "tail" not in plain.content
    assert plain["history"]["train_loss"] == watched["history"]["train_loss"]


def test_moments_on_the_way_are_kept_where_they_are_asked_for(results, tiny):
    asked = replace(tiny, keep_moments=(0, 3, 4, 8), keep_weights=True)
    first, second = run(asked, seeds=[0, 1]).records
    moments, history = first["moments"], first["history"]
    assert moments["step"] == [0, 3, 4, 8]
    assert moments["loss"][0] == history["untrained"]["loss"]
    # Four steps are an epoch.
    assert moments["loss"][2:] == pytest.approx(history["test_loss"], rel=1e-6)
    assert moments["accuracy"][2:] == history["test_accuracy"]
    with seeded(0):
        start = build(tiny.model, tiny.arguments).state_dict()
    kept = {step: first.weights(step) for step in moments["step"]}
    for name, tensor in start.items():
        assert torch.equal(kept[0][name], tensor.half())
    last = first.weights()
    assert last.keys() == start.keys() == kept[8].keys()
    assert all(torch.equal(last[name], kept[8][name]) for name in last)
    assert any(not torch.equal(kept[3][name], kept[4][name]) for name in last)
    assert second["moments"]["step"] == moments["step"]
    assert second["weights"] is None
    plain = run(tiny, seeds=[1], mode="force").records[0]
    assert "moments" not in plain.content
    assert plain["history"]["train_loss"] == second["history"]["train_loss"]
    assert plain["experiment"] == second["experiment"]


def test_a_diverging_run_writes_no_record(results, tiny):
    hot = replace(tiny, recipe=replace(tiny.recipe, optimizer="sgd", learning_rate=1e30))
    with pytest.raises(NonFiniteLossError, match="learning rate 1e\\+30"):
        run(hot)
    assert not results.exists()
