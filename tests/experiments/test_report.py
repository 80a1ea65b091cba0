from dataclasses import replace

import pytest
import torch

from cnnref.experiments import CATALOGUE, NoRecordError, compare, load_model, report, run
from cnnref.experiments.catalogue import Expectation
from cnnref.experiments.report import (
    comparison_markdown,
    comparisons_markdown,
    result_markdown,
    summary_markdown,
)
from tests.made_results import CLOTHES, DIGITS, PLAIN, TUNING, made_result

EXPECTING = replace(CLOTHES, expected=Expectation(0.85, 0.94, "a list"))


def rows(text):
    """The cells of all table rows of a text, by the first cell."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in cells}


def test_a_result_in_markdown():
    result = run("cats-dogs-plain", mode="stored")
    text = result_markdown(result)
    assert "`cnnref run cats-dogs-plain --force`" in text
    for record in result.records:
        row = next(line for line in text.splitlines() if line.startswith(f"| {record.seed} |"))
        assert f"{record['final']['accuracy']:.4f}" in row
        assert record["provenance"]["device_name"] in row
    accuracy = result.interval()
    assert f"{accuracy.mean:.4f}, 95 % interval over 5 seeds {accuracy.low:.4f}" in text
    assert result.records[0]["dataset"]["train_sha256"][:16] in text


def test_one_seed_has_no_interval(trained, tiny):
    text = result_markdown(run(tiny, seeds=[0], mode="stored"))
    assert "interval" not in text
    assert text.count("\n| 0 |") == 1


def test_a_result_of_tuning_is_not_called_a_test():
    text = result_markdown(made_result(TUNING, [0.9, 0.95]))
    assert "| seed | validation accuracy | validation loss |" in text
    assert "**Validation accuracy** 0.9250" in text
    assert "1,000 validation images" in text
    assert "test" not in text


def test_a_final_table_compares_networks():
    text = comparison_markdown(
        {"ResNet": made_result(CLOTHES, [0.92, 0.93]), "plain": made_result(PLAIN, [0.9])}
    )
    head, resnet, plain = (rows(text)[name] for name in ("network", "ResNet", "plain"))
    assert dict(zip(head, resnet, strict=True)) == {
        "seeds": "2",
        "test accuracy, %": "92.50 [86.15, 98.85]",
        "test loss, nats": "0.075",
        "parameters": f"{269_434:,}",
    }
    assert plain[:2] == ["1", "90.00"]
    assert "second" not in text, "by the clock, which other work makes run longer"


def test_a_final_table_tells_the_time_of_processors_where_all_records_do():
    named = {"ResNet": made_result(CLOTHES, [0.92, 0.93]), "plain": made_result(PLAIN, [0.9])}
    for seconds, record in enumerate(named["ResNet"].records, 20):
        record["history"]["processor_seconds"] = [seconds] * 4
    assert "second" not in comparison_markdown(named)
    named["plain"].records[0]["history"]["processor_seconds"] = [10.0] * 4
    text = comparison_markdown(named)
    column = rows(text)["network"].index("core-seconds per epoch")
    assert [rows(text)[name][column] for name in named] == ["20.5", "10.0"]
    assert text.endswith("Times are of a processor, 2 threads.")


def test_the_number_of_parameters_is_that_of_the_trained_model():
    model = load_model("cats-dogs-plain")
    before = torch.get_rng_state()
    text = comparison_markdown([run("cats-dogs-plain", mode="stored")])
    assert torch.equal(torch.get_rng_state(), before), "to count them, no weight is drawn"
    assert f"| {sum(p.numel() for p in model.parameters()):,} |" in text
    assert text.splitlines()[2].startswith(f"| {CATALOGUE['cats-dogs-plain'].title} | 5 |")


def test_a_final_table_does_not_mix_test_and_validation():
    with pytest.raises(ValueError, match="one split, got test and validation"):
        comparison_markdown([made_result(entry, [0.9]) for entry in (DIGITS, TUNING)])
    with pytest.raises(ValueError, match="one split, got none"):
        comparison_markdown([])


def test_comparisons_stand_in_a_table_under_their_answer():
    better, worse = made_result(CLOTHES, [0.92, 0.921, 0.922]), made_result(PLAIN, [0.8, 0.8, 0.8])
    found, loss = compare(better, worse), compare(better, worse, "loss")
    text = comparisons_markdown({("ResNet", "plain"): found, ("again", "plain"): loss})
    told = found.numbers
    assert rows(text)["compared"] == ["difference, 95 % interval", "verdict"]
    assert rows(text)["*test accuracy*<br>ResNet: 92.1 %<br>plain: 80.0 %"] == [
        f"12.1 [{told.low}, {told.high}] points", "the first is higher",
    ]  # fmt: skip
    assert rows(text)["*test loss*<br>again: 0.0790 nats<br>plain: 0.2000 nats"][-1] == (
        "the first is lower"
    )
    assert text.endswith(
        "The intervals allow for chance in 3 seeds each and a bound for the choice of 1,000 "
        "images; 3 seeds each."
    )
    # Of one metric, and of one pair by two.
    alone = comparisons_markdown({("ResNet", "plain"): found})
    assert alone.startswith("| test accuracy | difference, 95 % interval | verdict |")
    twice = comparisons_markdown([(("a", "b"), found), (("a", "b"), loss)])
    assert [row[-1] for row in rows(twice).values()] == [
        "verdict", "---", "the first is higher", "the first is lower",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="one confidence, got none"):
        comparisons_markdown({})
    with pytest.raises(ValueError, match=r"got \[0.9, 0.95\]"):
        comparisons_markdown(
            {("a", "b"): found, ("c", "d"): compare([1, 2], [3, 4], confidence=0.9)}
        )


def test_the_summary_has_a_row_for_every_experiment():
    results = [made_result(EXPECTING, [0.92, 0.93, 0.91]), made_result(DIGITS, [0.99, 0.98])]
    text = summary_markdown(results=results)
    assert rows(text.split("<details>")[0])["a ResNet<br>`clothes`"] == [
        "92.00 [89.52, 94.48]", "85 to 94: inside", "3",
    ]  # fmt: skip
    assert text.count("<details>") == text.count("</details>") == 2
    assert "| test accuracy, % |" in text
    for result in results:
        for key in ("train_sha256", "test_sha256"):
            assert result.records[0]["dataset"][key][:16] in text
    only = summary_markdown("mnist", results)
    assert "`digits`" in only
    assert "clothes" not in only


def test_the_fold_says_where_when_and_how_fast():
    entry = replace(CLOTHES, expected=Expectation(0.9, 0.95, "a guess"))
    elsewhere = replace(entry, name="elsewhere")
    text = summary_markdown(
        results=[made_result(entry, [0.92, 0.93]), made_result(elsewhere, [0.9, 0.9], threads=1)]
    )
    fold = text.split("<details>")[1]
    # Four epochs: 40 seconds for seed 0, 44 for seed 1, of 1000 images each.
    assert rows(fold)["`clothes`"] == [
        "92.00, 93.00", "84 s", f"{8_000 / 84:.0f}", "2026-11-20, 2026-11-21", "A",
    ]  # fmt: skip
    assert rows(fold)["`elsewhere`"][-1] == "B"
    assert "- A: a processor, 2 threads; torch 2.15.0, Python 3.11.7, cnnref 0.1.0, Linux" in fold
    assert "- B: a processor, 1 thread; " in fold
    assert "- 90 to 95 %: a guess (2 experiments)" in fold


def test_a_mean_outside_the_expected_range_is_explained():
    low = replace(CLOTHES, expected=Expectation(0.95, 0.99, "a guess", "too few epochs"))
    text = summary_markdown(results=[made_result(low, [0.92, 0.93])])
    assert "| 95 to 99: outside |" in text
    assert "- `clothes` lies outside: too few epochs" in text
    unexplained = replace(CLOTHES, expected=Expectation(0.95, 0.99, "a guess"))
    assert "not explained yet" in summary_markdown(results=[made_result(unexplained, [0.9])])
    set_after = replace(CLOTHES, expected=Expectation(0.9, 0.95, "a guess", afterwards=True))
    told = summary_markdown(results=[made_result(set_after, [0.92, 0.93])])
    assert "| 90 to 95 (set afterwards): inside |" in told
    assert "- 90 to 95 %, set afterwards: a guess (`clothes`)" in told
    open_ended = replace(CLOTHES, expected=None)
    assert "| not stated |" in summary_markdown(results=[made_result(open_ended, [0.9])])


def test_no_column_is_without_a_heading():
    text = summary_markdown(results=[made_result(CLOTHES, [0.92, 0.93])])
    heads = [
        line
        for line, below in zip(text.splitlines(), text.splitlines()[1:], strict=False)
        if below.startswith("| ---")
    ]
    assert len(heads) == 2
    assert all(cell.strip() for head in heads for cell in head.strip("|").split("|"))


def test_the_summary_reads_the_catalogue_and_misses_nothing(trained, tiny, monkeypatch):
    monkeypatch.setattr(report.datasets, "CATALOGUE", {"tiny": tiny})
    assert "| A tiny experiment<br>`tiny` |" in summary_markdown("synthetic")
    with pytest.raises(ValueError, match="there is no experiment on mnist"):
        summary_markdown("mnist")
    absent = replace(tiny, name="absent")
    monkeypatch.setattr(report.datasets, "CATALOGUE", {"tiny": tiny, "absent": absent})
    with pytest.raises(NoRecordError, match="no record of absent"):
        summary_markdown()
