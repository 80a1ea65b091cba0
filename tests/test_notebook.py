import sys
from functools import partial

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from cnnref.experiments.claims import CLAIMS, Claim, Finding, UnknownClaimError
from cnnref.notebook import claim, glue


@pytest.fixture
def shell(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNREF_DATA", str(tmp_path))
    # A shell takes the place of the main module, without which no process can be spawned.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "cnnref.notebook")
    return shell


def test_a_cell_that_needs_missing_data_says_so_and_does_not_run(shell, capsys):
    shell.user_ns["ran"] = False
    shell.run_cell_magic("needs", "cifar10", "ran = True")
    assert shell.user_ns["ran"] is False
    out = capsys.readouterr().out
    assert "This cell was not run" in out
    assert "cnnref data fetch cifar10" in out


def test_a_cell_whose_data_is_here_runs(shell):
    shell.run_cell_magic("needs", "synthetic", "ran = 6 * 7")
    assert shell.user_ns["ran"] == 42


def test_an_error_inside_is_an_error_outside(shell):
    with pytest.raises(AssertionError):
        shell.run_cell_magic("needs", "synthetic", "assert 1 == 2")


def test_a_wrong_name_is_an_error(shell):
    with pytest.raises(LookupError, match="did you mean 'cifar10'"):
        shell.run_cell_magic("needs", "cifar-10", "pass")


def test_glue_names_a_value_for_the_book_and_is_silent_without_one(shell, monkeypatch, capsys):
    told = []
    monkeypatch.setattr("myst_nb.glue", lambda *args, **options: told.append((args, options)))
    glue("total", 42, display=False)
    assert told == [(("total", 42), {"display": False})]
    glue("count", np.int64(6))
    glue("share", np.array([0.5, 0.25])[1])
    assert [repr(args[1]) for args, _ in told[1:]] == ["6", "0.25"]
    monkeypatch.setitem(sys.modules, "myst_nb", None)
    glue("total", 43)
    assert len(told) == 3
    assert capsys.readouterr().out == ""


def test_a_claim_that_no_longer_holds_is_said_in_the_page_and_fails_nothing(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    found = {holds: Finding(holds, "0.1 points lower") for holds in (True, False)}
    for holds, finding in found.items():
        made = Claim(str(holds), "optimizers", "Adam is better.", partial(lambda x: x, finding))
        monkeypatch.setitem(CLAIMS, str(holds), made)
    assert claim("True") is found[True]
    assert not shown
    assert claim("False") is found[False]
    assert shown[0].data == (
        "> **With the present records this no longer holds:** Adam is better. "
        "They show: 0.1 points lower."
    )
    with pytest.raises(UnknownClaimError, match="unknown claim 'Flase'; did you mean 'False'"):
        claim("Flase")
