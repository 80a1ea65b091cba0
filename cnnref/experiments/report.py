"""The stored results as tables for people."""

from __future__ import annotations

from cnnref.experiments.runner import Result

__all__ = ["result_markdown"]


def result_markdown(result: Result) -> str:
    """A result in Markdown: its summary, its seeds with their provenance, and its command.

    Args:
        result: the records of an experiment.
    """
    entry, records = result.experiment, result.records
    data = records[0]["dataset"]
    recipe = ", ".join(
        f"{key.replace('_', ' ')} {value}" for key, value in entry.fields["recipe"].items()
    )
    rows = [
        "| seed | test accuracy | test loss | seconds | images/s | device | torch | date |",
        "| ---: | ---: | ---: | ---: | ---: | --- | --- | --- |",
    ]
    for record in records:
        made = record["provenance"]
        rows.append(
            f"| {record.seed} | {record['final']['accuracy']:.4f} | {record['final']['loss']:.3f} "
            f"| {record.seconds:.0f} | {record.images_per_second:.0f} "
            f"| {made['device_name']}, {made['threads']} threads "
            f"| {made['torch']} | {made['date'][:10]} |"
        )
    summary = []
    if len(records) > 1:
        accuracy, loss = result.interval("accuracy"), result.interval("loss")
        summary = [
            f"**Test accuracy** {accuracy.mean:.4f}, 95 % interval over {accuracy.runs} seeds "
            f"{accuracy.low:.4f} to {accuracy.high:.4f}; **test loss** {loss.mean:.3f}, "
            f"{loss.low:.3f} to {loss.high:.3f}.",
            "",
        ]
    return "\n".join(
        [
            f"**`{entry.name}`**: {entry.title}",
            "",
            *summary,
            *rows,
            "",
            f"- model `{entry.model}`, {dict(entry.arguments) or 'no arguments'}; {recipe}",
            f"- data `{data['name']}`: {data['train_size']} training images, SHA-256 "
            f"`{data['train_sha256'][:16]}`; {data['test_size']} test images, SHA-256 "
            f"`{data['test_sha256'][:16]}`",
            f"- train again: `cnnref run {entry.name} --force`",
        ]
    )
