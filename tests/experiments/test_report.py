from cnnref.experiments import run
from cnnref.experiments.report import result_markdown


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
