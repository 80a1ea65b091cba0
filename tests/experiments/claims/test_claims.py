"""The book's claims hold with its own records, and others are no error."""

from pathlib import Path

import pytest

from cnnref.experiments import CATALOGUE, CLAIMS, Claim, compare, run
from cnnref.experiments.claims import Finding, UnknownClaimError, find
from cnnref.experiments.report import claims_markdown

ROOT = Path(__file__).parents[3]
CHAPTERS = ROOT / "book"


@pytest.mark.parametrize("name", CLAIMS)
def test_every_claim_holds_with_the_packaged_records(name):
    found = CLAIMS[name].look()
    assert found.holds, f"{CLAIMS[name].text} The records show: {found.shows}"
    assert found.shows


def test_a_claim_is_one_sentence_of_a_chapter_that_asks_for_it():
    for name, claim in CLAIMS.items():
        assert claim.name == name
        assert not claim.text[0].islower()
        assert claim.text.endswith(".")
        assert (CHAPTERS / f"{claim.chapter}.md").is_file(), name


def test_every_chapter_with_claims_has_a_file_of_its_own():
    for claim in CLAIMS.values():
        module = f"cnnref/experiments/claims/{claim.chapter.replace('-', '_')}.py"
        assert (ROOT / module).is_file()


@pytest.fixture
def two(trained, tiny, monkeypatch):
    """A catalogue in which two names stand for one tiny experiment."""
    for name in ("one", "other"):
        monkeypatch.setitem(CATALOGUE, name, tiny)
    return tiny


def test_a_comparing_claim_holds_as_the_comparison_says(two):
    told = {
        says: Claim.comparing("same", "data", "They are alike.", "one", "other", says).look()
        for says in ("higher", "lower", "too close to call")
    }
    assert [found.holds for found in told.values()] == [False, False, True]
    result = run(two, mode="stored")
    assert told["higher"].comparison == compare(result, result)
    assert told["higher"].shows == compare(result, result).words()
    losses = Claim.comparing(
        "losses", "data", "Alike.", "one", "other", "too close to call", "loss", confidence=0.8
    )
    assert losses.look().comparison == compare(result, result, "loss", confidence=0.8)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="unknown verdict 'highr'; did you mean 'higher'"):
        Claim.comparing("a", "data", "Yes.", "one", "other", "highr")
    with pytest.raises(UnknownClaimError, match="unknown claim 'digit-width'; did you mean"):
        find("digit-width")


def test_the_table_has_changed_claims_first():
    claims = [
        Claim("a", "data", "One is better.", lambda: Finding(True, "2 against 1")),
        Claim("b", "optimizers", "Three are alike.", lambda: Finding(False, "one of them fails")),
    ]
    told = claims_markdown(claims)
    assert told.startswith("2 claims, 1 of them changed.")
    changed = told.index("**Changed, in [optimizers](../optimizers.html)**")
    alike = told.index("| Three are alike. | one of them fails |")
    holding = told.index("**In [data](../data.html)**")
    assert changed < alike < holding < told.index("| One is better. | 2 against 1 |")
