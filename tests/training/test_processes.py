"""Two processes, as `torchrun` starts them, do what one does, and say what they cannot."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import nn

from cnnref import cli, training
from cnnref.experiments import store
from cnnref.training import Team, TeamError, fit, processes, team
from tests.training import two_processes as script

ROOT = Path(__file__).parents[2]


class Found(NamedTuple):
    ranks: list[dict]
    results: Path
    out: str
    err: str


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> Found:
    """What two processes found, and what they said."""
    folder = tmp_path_factory.mktemp("ranks")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node=2", script.__file__, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "CNNREF_RESULTS": str(folder / "results"),
            "OMP_NUM_THREADS": "1",
        },
    )
    paths = sorted(folder.glob("rank-*.json"))
    assert [path.name for path in paths] == ["rank-0.json", "rank-1.json"], done.stderr
    ranks = [json.loads(path.read_text()) for path in paths]
    return Found(ranks, folder / "results", done.stdout, done.stderr)


@pytest.fixture(scope="module")
def alone():
    """The same training in one process: its history, its model, and the images in their order."""
    watched = script.Watched()
    model = script.network(watched)
    history = fit(model, script.TRAIN, script.TEST, script.RECIPE, device="cpu", record_steps=True)
    return history.to_dict(), model, watched.seen


def test_the_history_is_that_of_one_process(found, alone):
    """To rounding: the same sums in another order."""
    expected, _, _ = alone
    for rank in found.ranks:
        for key in expected.keys() - {"seconds", "images_per_second", "processor_seconds"}:
            assert rank["history"][key] == pytest.approx(expected[key], rel=1e-9), key


def test_the_weights_are_those_of_one_process_in_every_process(found, alone):
    _, model, _ = alone
    for rank in found.ranks:
        for ours, theirs in zip(rank["weights"], model.parameters(), strict=True):
            torch.testing.assert_close(torch.tensor(ours, dtype=torch.float64), theirs.detach())


def test_the_global_batch_is_that_of_one_process_the_odd_last_one_too(found, alone):
    _, _, batches = alone
    first, second = (rank["seen"] for rank in found.ranks)
    assert [len(share) for share in first] == [8, 8, 3] * 3
    assert [len(share) for share in second] == [8, 8, 2] * 3
    for a, b, whole in zip(first, second, batches, strict=True):
        assert sorted(a + b) == sorted(whole)


def test_every_process_drops_other_pixels(found):
    first, second = (rank["dropped"] for rank in found.ranks)
    assert [x == 0 for x in first[0]] != [x == 0 for x in second[0]]


def test_all_learn_what_the_leader_finds_and_that_it_failed(found):
    for rank in found.ranks:
        assert rank["rank of the leader"] == 0
        assert rank["told"] == "only the leader looked"


def test_what_the_leader_does_for_all_it_does_alone(found):
    """A probe trains, too; if it waited for the others it would wait for ever."""
    assert [rank["team inside"] for rank in found.ranks] == [1, 1]


def test_batch_normalisation_on_the_cpu_is_refused(found):
    for rank in found.ranks:
        assert "batch normalisation, which torch can synchronise" in rank["batch norm"]
        assert rank["batch norm"].endswith("on CUDA only, not on cpu; train it in one process")


def test_too_few_images_for_the_processes_are_refused(found):
    """33 images in batches of 16: the last batch has one."""
    for rank in found.ranks:
        assert "last batches have 1 training and 31 test images, too few for 2" in rank["too few"]


def test_the_leader_alone_writes_and_the_record_says_how_many_trained(found):
    assert [rank["written"] for rank in found.ranks] == [["tiny"], []]
    record = store.read(found.results / "tiny" / "seed-0.json")
    assert record["provenance"]["processes"] == 2
    assert not list(found.results.rglob("*.checkpoint"))


def test_the_leader_alone_speaks_and_the_second_run_only_reads(found):
    assert [rank["codes"] for rank in found.ranks] == [[0, 0], [0, 0]]
    assert found.out.count("tiny: test accuracy") == 2
    assert found.err.count("epoch 2: training loss") == 1


def test_a_refusal_is_told_once_with_exit_code_2(found):
    """The only traceback is that of `torchrun`, which reports any process that fails."""
    assert found.err.count("cnnref: PlainCNN has batch normalisation") == 1
    assert re.search(r"rank\s*: 0 .*\n\s*exitcode\s*: 2", found.err)
    assert f'File "{ROOT}/cnnref' not in found.err


def test_runs_side_by_side_under_torchrun_are_refused(monkeypatch, capsys):
    monkeypatch.setattr(training, "team", lambda: Team(0, 2))
    for words in (["--all"], ["kat-filter", "--jobs", "2"], ["kat-filter", "--ray", "auto"]):
        assert cli.main(["run", *words, "--device", "cpu"]) == 2
        assert "under torchrun seeds are trained in turn" in capsys.readouterr().err


def test_a_process_that_nobody_started_with_others_is_a_team_of_one(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    alone = team()
    assert (alone.rank, alone.size, alone.leads) == (0, 1, True)
    assert alone.from_leader(lambda: 3) == 3
    model = nn.Linear(1, 1)
    assert alone.network(model, torch.device("cpu")) is model


def test_on_cuda_batch_normalisation_is_the_synchronised_kind(monkeypatch):
    monkeypatch.setattr(processes, "DistributedDataParallel", lambda model, devices: model)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    network = Team(1, 2, 1).network(model, torch.device("cuda:1"))
    assert isinstance(network[1], nn.SyncBatchNorm)
    assert (
        network.state_dict().keys()
        == nn.Sequential(model[0], nn.BatchNorm2d(4)).state_dict().keys()
    )


def test_each_process_has_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    second, cuda = Team(1, 2, 1), torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert second.place(cuda) == torch.device("cuda:1")
    assert Team().place(cuda) == cuda
    assert second.place(torch.device("cpu")) == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(TeamError, match="this machine has 1 GPUs for 2 processes; start fewer"):
        second.place(cuda)
    with pytest.raises(TeamError, match="on cuda or cpu, not on mps"):
        second.place(torch.device("mps"))
