"""Many runs at a time: which, where, in what order, and what becomes of each."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import ray
import torch
from ray.cluster_utils import Cluster

from cnnref import cli
from cnnref.experiments import catalogue, run, store
from cnnref.experiments.schedule import Job, RayError, on_ray, on_this_machine, pending, places
from cnnref.experiments.workers import cores
from cnnref.training import DeviceError, NonFiniteLossError

BARE = ("schema", "weights", "checksum")


def keep(record, name, seconds):
    """Write a record again as that of another experiment, which took so long."""
    content = {key: value for key, value in record.content.items() if key not in BARE}
    history = {**content["history"], "seconds": [seconds / 2, seconds / 2]}
    store.write({**content, "name": name, "history": history})


@pytest.fixture
def diverging(tiny):
    recipe = replace(tiny.recipe, optimizer="sgd", learning_rate=1e30)
    return replace(tiny, name="diverging", recipe=recipe)


class Deadly:
    """An experiment that takes its process along, as running out of memory would."""

    name = "deadly"

    def __reduce__(self):
        return os._exit, (1,)


# -- which ----------------------------------------------------------------------------------------


def test_only_what_is_missing_or_stale_is_pending(trained, tiny):
    assert pending([tiny]) == []
    assert pending([tiny], force=True) == [Job(tiny, 0), Job(tiny, 1)]
    assert pending([tiny], seeds=[1, 2]) == [Job(tiny, 2)]
    (trained / "tiny" / "seed-1.json").write_text("{")
    assert pending([tiny]) == [Job(tiny, 1)]
    changed = replace(tiny, recipe=replace(tiny.recipe, learning_rate=0.002))
    assert pending([changed], seeds=[0]) == [Job(changed, 0)]


def test_the_longest_go_first_and_unknown_ones_before_them(trained, tiny):
    record = store.read(trained / "tiny" / "seed-0.json")
    entries = []
    for name, seconds in (("short", 1.0), ("long", 100.0), ("unknown", None), ("middle", 10.0)):
        entries.append(replace(tiny, name=name, seeds=(0,)))
        if seconds:
            keep(record, name, seconds)
    order = [job.experiment.name for job in pending(entries, force=True)]
    assert order == ["unknown", "long", "middle", "short"]


# -- where ----------------------------------------------------------------------------------------


def test_one_job_for_each_core_or_gpu_where_not_said(monkeypatch):
    assert places("cpu") == ["cpu"] * cores()
    assert places("cpu", 3) == ["cpu"] * 3
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert places() == places("cuda") == ["cuda:0", "cuda:1"]
    assert places("cuda", 3) == ["cuda:0", "cuda:1", "cuda:0"]
    assert places("cuda:1") == ["cuda:1"]
    with pytest.raises(DeviceError):
        places("cuda:2")


# -- on this machine ------------------------------------------------------------------------------


def by_name(outcomes):
    return {str(job): outcome for job, outcome in outcomes}


def test_a_failing_job_and_a_dying_one_stop_no_other(results, tiny, diverging):
    jobs = [Job(Deadly(), 0), Job(diverging, 0), Job(tiny, 0)]
    outcomes = by_name(on_this_machine(jobs, ["cpu"] * 2))
    assert outcomes.keys() == {"deadly seed 0", "diverging seed 0", "tiny seed 0"}
    assert "terminated abruptly" in str(outcomes["deadly seed 0"])
    assert isinstance(outcomes["diverging seed 0"], NonFiniteLossError)
    record = outcomes["tiny seed 0"]
    assert record.content == store.read(results / "tiny" / "seed-0.json").content
    assert record["provenance"]["threads"] == max(1, cores() // 2)
    alone = run(tiny, seeds=[0], mode="force", device="cpu").records[0]
    assert record["final"]["loss"] == pytest.approx(alone["final"]["loss"], rel=1e-5)


@pytest.fixture
def only_two(monkeypatch, tiny, diverging):
    """A catalogue of an experiment that can be trained and of one that cannot."""
    entries = {entry.name: entry for entry in (tiny, replace(diverging, seeds=(0,)))}
    monkeypatch.setattr(catalogue, "CATALOGUE", entries)
    monkeypatch.setattr("cnnref.experiments.CATALOGUE", entries)


def test_the_command_tells_each_job_and_fails_if_any_did(trained, only_two, capsys):
    (trained / "tiny" / "seed-1.json").unlink()
    assert cli.main(["run", "--all", "--device", "cpu", "--jobs", "1"]) == 1
    out, err = capsys.readouterr()
    lines = sorted(out.splitlines(), key=lambda line: line.split("] ")[1])
    assert len(lines) == 2  # seed 0 of tiny is there and valid
    assert "/2] diverging seed 0: failed: NonFiniteLossError: the " in lines[0]
    assert "/2] tiny seed 1: test accuracy 0." in lines[1]
    assert lines[1].endswith(f"s; {trained / 'tiny' / 'seed-1.json'}")
    assert "1 of 2 failed; to see one alone: cnnref run diverging --seeds 0" in err
    assert cli.main(["run", "tiny", "--jobs", "2"]) == 0
    assert "nothing to train" in capsys.readouterr().out


ENDLESS = """
import os, sys, time
from pathlib import Path
from cnnref import cli
from cnnref.experiments import catalogue
from dataclasses import replace
if __name__ == "__main__":
    plain = catalogue.CATALOGUE["cats-dogs-plain"]
    endless = replace(plain.recipe, epochs=100_000)
    tiny = replace(plain, name="tiny", dataset="synthetic", recipe=endless)
    catalogue.CATALOGUE = {"tiny": tiny}
    sys.exit(cli.main(["run", "tiny", "--jobs", "2", "--seeds", "0,1", "--device", "cpu"]))
Path(__file__).with_name(f"{os.getpid()}.started").touch()
time.sleep(1)
"""


def started(folder, results):
    """Both workers have started, and not a step is made."""
    return len(list(folder.glob("*.started"))) == 2


def trained_an_epoch(folder, results):
    return len(list(results.glob("tiny/.seed-?.checkpoint"))) == 2


def group_is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize(
    ("when", "send", "how", "code"),
    [
        # A terminal sends Ctrl-C to the whole group, `kill` to one process.
        (started, os.killpg, signal.SIGINT, 130),
        (trained_an_epoch, os.killpg, signal.SIGINT, 130),
        (trained_an_epoch, os.kill, signal.SIGKILL, -9),
    ],
)
def test_jobs_end_with_the_command_and_keep_their_epochs(results, tmp_path, when, send, how, code):
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    command = subprocess.Popen(
        [sys.executable, str(script)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        while not when(tmp_path, results):
            assert command.poll() is None
            time.sleep(0.05)
        send(command.pid, how)
        _, said = command.communicate()
        while not group_is_gone(command.pid):
            time.sleep(0.05)
    finally:
        if not group_is_gone(command.pid):
            os.killpg(command.pid, signal.SIGKILL)
    assert command.returncode == code
    assert "Traceback" not in said
    if how == signal.SIGINT:
        assert "cnnref: interrupted" in said
    if when is trained_an_epoch:
        assert trained_an_epoch(tmp_path, results)


# -- on Ray ---------------------------------------------------------------------------------------


AGENTS = (
    "metrics_agent_port",
    "runtime_env_agent_port",
    "dashboard_agent_listen_port",
    "metrics_export_port",
)


def free_ports() -> dict[str, int]:
    """Ports for a node's agents; Ray gives up on a slow machine where it must find them."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in AGENTS]
        ports = [server.getsockname()[1] for server in held]
    return dict(zip(AGENTS, ports, strict=True))


@pytest.fixture
def cluster(monkeypatch, tmp_path):
    """A node with two cores, so two processes, whose folder is not this one's.

    More nodes would only mean more of Ray's own processes, each of which takes seconds to start.
    """
    monkeypatch.setenv("CNNREF_RESULTS", str(tmp_path / "nodes"))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # 15, beside other tests, is for ever
    about = {"num_cpus": 2, "num_gpus": 0, "include_dashboard": False, **free_ports()}
    made = Cluster(initialize_head=True, head_node_args=about)
    try:
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


def test_a_ray_cluster_trains_and_the_records_are_written_here(
    cluster, tiny, diverging, monkeypatch, tmp_path
):
    here = tmp_path / "here"
    monkeypatch.setenv("CNNREF_RESULTS", str(here))
    jobs = [Job(tiny, 0), Job(diverging, 0), Job(tiny, 1)]
    outcomes = by_name(on_ray(jobs, cluster.address))
    assert not ray.is_initialized()
    assert isinstance(outcomes["diverging seed 0"], NonFiniteLossError)
    for seed in (0, 1):
        record = store.read(here / "tiny" / f"seed-{seed}.json")
        assert record.content == outcomes[f"tiny seed {seed}"].content
        assert record["provenance"]["threads"] == 1
    assert len(store.read(here / "tiny" / "seed-0.json").weights()) > 0
    assert (tmp_path / "nodes" / "tiny").is_dir()  # where their checkpoints were
    assert not [path for path in (tmp_path / "nodes").rglob("*") if path.is_file()]
    monkeypatch.setattr(catalogue, "CATALOGUE", {"tiny": tiny})
    assert cli.main(["run", "tiny", "--ray", cluster.address]) == 0  # nothing is left to train


def test_without_ray_the_message_says_how_to_install_it(results, tiny, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(catalogue, "CATALOGUE", {"tiny": tiny})
    assert cli.main(["run", "tiny", "--ray", "local"]) == 2
    err = capsys.readouterr().err
    assert err.splitlines()[-1].startswith(
        "cnnref: Ray is not installed; `pip install 'cnnref[ray]'`"
    )


@pytest.mark.parametrize("address", ["nonsense", "localhost", "a b:1"])
def test_a_bad_address_is_refused(tiny, address):
    with pytest.raises(RayError, match=rf"local, auto or host:port, got '{address}'"):
        next(on_ray([Job(tiny, 0)], address))


def test_a_cluster_that_is_not_there_is_told(tiny, monkeypatch):
    def nobody(*_, **__):
        raise ConnectionError("Could not find any running Ray instance")

    monkeypatch.setattr(ray, "init", nobody)
    with pytest.raises(RayError, match="no Ray cluster answers at 'auto': Could not find any"):
        next(on_ray([Job(tiny, 0)], "auto"))
