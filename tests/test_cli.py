"""The command as its user meets it: output, exit codes, and no traceback for a user's mistake."""

import json
import signal
import subprocess
import sys
from functools import partial

import pytest

from cnnref import cli
from cnnref.data import Normalization
from cnnref.experiments import catalogue, store
from cnnref.experiments.claims import Claim, Finding


def call(*words: str) -> int:
    return cli.main(list(words))


@pytest.fixture
def only_tiny(monkeypatch, tiny, trained):
    """A catalogue of the tiny experiment alone."""
    monkeypatch.setattr(store, "_package_folder", lambda: trained / "none")
    monkeypatch.setattr(catalogue, "CATALOGUE", {"tiny": tiny})
    monkeypatch.setattr("cnnref.experiments.CATALOGUE", {"tiny": tiny})
    monkeypatch.setattr("cnnref.experiments.verification.CATALOGUE", {"tiny": tiny})
    return trained


def test_list(capsys):
    assert call("list") == 0
    assert "cats-dogs-plain 5/5 seeds stored" in " ".join(capsys.readouterr().out.split())


def test_show(capsys):
    assert call("show", "cats-dogs-plain") == 0
    out = capsys.readouterr().out
    assert "optimizer adam, learning_rate 0.001, epochs 20, batch_size 100" in out
    assert out.count("torch") == 5
    assert "cats-dogs-plain: test accuracy 0." in out


def test_run_reads_what_is_there_and_trains_what_is_not(only_tiny, capsys):
    (only_tiny / "tiny" / "seed-1.json").unlink()
    assert call("run", "tiny", "--device", "cpu") == 0
    out, err = capsys.readouterr()
    assert out.count("tiny: test accuracy") == 2
    assert err.count("epoch 2: training loss") == 1  # seed 1 alone was trained
    assert (only_tiny / "tiny" / "seed-1.json").is_file()
    assert f"new records are in {only_tiny}" in err
    assert call("run", "tiny", "--device", "cpu") == 0
    assert "new records" not in capsys.readouterr().err


def test_run_some_seeds_by_force(only_tiny, capsys):
    before = (only_tiny / "tiny" / "seed-0.json").read_bytes()
    assert call("run", "tiny", "--seeds", "1", "--force") == 0
    assert (only_tiny / "tiny" / "seed-0.json").read_bytes() == before
    assert capsys.readouterr().err.count("epoch 2:") == 1


def test_verify(only_tiny, capsys):
    assert call("verify") == 0
    assert "2 records of 1 experiments: all valid, none stale" in capsys.readouterr().out
    path = only_tiny / "tiny" / "seed-1.json"
    content = json.loads(path.read_text())
    content["final"]["accuracy"] = 1.0
    path.write_text(json.dumps(content))
    assert call("verify") == 1
    out = capsys.readouterr().out
    assert f"tiny seed 1: {path} is damaged" in out
    assert "faults: 1; to train again: cnnref run tiny" in out


def test_claims_that_changed_are_no_failure(monkeypatch, capsys):
    claims = {
        holds: Claim("name", "kats-cat", f"It is {holds}.", partial(Finding, holds, "3 of 5 seeds"))
        for holds in (True, False)
    }
    monkeypatch.setattr("cnnref.experiments.CLAIMS", claims)
    assert call("claims") == 0
    assert capsys.readouterr().out.splitlines() == [
        "holds    kats-cat: It is True.",
        "         3 of 5 seeds",
        "CHANGED  kats-cat: It is False.",
        "         3 of 5 seeds",
        "2 claims, 1 of them changed",
    ]


def test_run_mends_what_verify_names(only_tiny, monkeypatch, capsys):
    """Damaged weights and changed behaviour alike."""
    (weights,) = (only_tiny / "tiny").glob("*.safetensors")
    weights.unlink()
    assert call("verify") == 1
    assert call("run", "tiny") == 0
    assert call("verify") == 0
    forward = Normalization.__call__
    monkeypatch.setattr(Normalization, "__call__", lambda self, *a: 2 * forward(self, *a))
    assert call("verify") == 1
    capsys.readouterr()
    assert call("run", "tiny") == 0
    assert "tiny, seed 1: behaviour: " in capsys.readouterr().err
    assert call("verify") == 0


def test_run_never_overwrites_a_newer_record(only_tiny, capsys):
    path = only_tiny / "tiny" / "seed-0.json"
    path.write_text('{"schema": 99}')
    for words in (["run", "tiny"], ["run", "tiny", "--force"]):
        assert call(*words) == 2
        assert "upgrade cnnref" in capsys.readouterr().err
    assert path.read_text() == '{"schema": 99}'


def test_data_check_and_fetch(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("CNNREF_DATA", str(tmp_path))
    assert call("data", "check") == 0
    out = capsys.readouterr().out
    assert "mnist train: missing; `cnnref data fetch mnist` downloads it" in out
    assert "synthetic train: 200 images" in out
    damaged = tmp_path / "cifar10" / "test.npz"
    damaged.parent.mkdir()
    damaged.write_bytes(b"nonsense")
    assert call("data", "check") == 1
    assert f"cifar10 test: damaged: {damaged}" in capsys.readouterr().out
    assert call("data", "fetch", "synthetic") == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "cats-dog-plain"], "did you mean 'cats-dogs-plain'?"),
        (["run", "cats-dogs-plain", "nonsense"], "unknown experiment 'nonsense'"),
        (["run", "cats-dogs-plain", "--device", "gpu0"], "unknown device 'gpu0'"),
        (["run", "cats-dogs-plain", "--device", "cuda:9"], "not on this machine"),
        (["data", "fetch", "minst"], "did you mean 'mnist'?"),
    ],
)
def test_mistakes_get_one_line_and_exit_code_2(words, message, capsys):
    assert call(*words) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert err.startswith("cnnref: ")
    assert err.count("\n") == 1
    assert out == ""


def test_a_bad_mode_and_a_missing_dataset(monkeypatch, tmp_path, capsys, results):
    monkeypatch.setenv("CNNREF_EXPERIMENTS", "sometimes")
    assert call("run", "cats-dogs-plain") == 2
    assert "unknown mode" in capsys.readouterr().err
    monkeypatch.setenv("CNNREF_EXPERIMENTS", "force")
    monkeypatch.setenv("CNNREF_DATA", str(tmp_path / "empty"))
    assert call("run", "cats-dogs-plain") == 2
    assert "`cnnref data fetch cifar10`" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written(only_tiny, monkeypatch, capsys, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    monkeypatch.setenv("CNNREF_RESULTS", str(blocked))
    assert call("run", "tiny", "--seeds", "0") == 2
    assert "blocked" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        [], ["rub"], ["data"], ["run"], ["run", "x", "--all"],
        ["run", "x", "--seeds", "1,b"], ["run", "x", "--seeds", "-1"],
        ["run", "x", "--jobs", "0"], ["run", "x", "--jobs", "two"],
        ["run", "x", "--jobs", "2", "--ray", "auto"],
    ],
)  # fmt: skip
def test_bad_usage_is_exit_code_2(words, capsys):
    with pytest.raises(SystemExit) as caught:
        call(*words)
    assert caught.value.code == 2
    assert "usage: cnnref" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [[], ["list"], ["show"], ["run"], ["verify"], ["data"], ["data", "fetch"], ["data", "check"]],
)
def test_help_everywhere(words, capsys):
    with pytest.raises(SystemExit) as caught:
        call(*words, "--help")
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("usage: cnnref")


def test_help_does_not_wait_for_torch():
    code = "import sys, cnnref.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


INTERRUPTED = """
import sys
from cnnref import cli
from cnnref.data import Normalization
from cnnref.experiments import catalogue
from dataclasses import replace
plain = catalogue.CATALOGUE["cats-dogs-plain"]
endless = replace(plain.recipe, epochs=100_000)
tiny = replace(plain, name="tiny", dataset="synthetic", recipe=endless)
catalogue.CATALOGUE = {"tiny": tiny}
sys.exit(cli.main(["run", "tiny", "--seeds", "0", "--force", "--device", "cpu"]))
"""


def test_an_interrupted_run_loses_no_record(trained):
    record = trained / "tiny" / "seed-0.json"
    before = record.read_bytes()
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", INTERRUPTED],
        stderr=subprocess.PIPE,
        text=True,
        # A shell that runs the tests in the background has its children ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    while "epoch 1:" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    try:
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert record.read_bytes() == before
    assert not list(trained.rglob("*.partial"))
    assert "cnnref: interrupted" in said
    assert "Traceback" not in said


def test_a_reader_that_stops_early_is_no_error():
    found = subprocess.run(
        f"{sys.executable} -u -m cnnref show cats-dogs-plain | head -n 1; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == "cats-dogs-plain: Cats and dogs: the plain CNN\n"


def test_python_dash_m():
    found = subprocess.run(
        [sys.executable, "-m", "cnnref", "--version"], capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith("cnnref ")
