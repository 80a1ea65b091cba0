"""What tests do to a record's file."""

import json

import torch

from cnnref.experiments.record import Record, checksum_of

WEIGHTS = {"a": torch.randn(3, 4), "count": torch.tensor(7)}


def bare(record: Record) -> dict:
    return {k: v for k, v in record.content.items() if k not in ("schema", "weights", "checksum")}


def edit(record: Record, *path, value) -> None:
    """Change one entry of the file, as an editor would."""
    content = json.loads(record.path.read_text())
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    record.path.write_text(json.dumps(content))


def sign(record: Record) -> None:
    """Give an edited record a checksum that fits, as a forger would."""
    content = json.loads(record.path.read_text())
    content["checksum"] = checksum_of(content)
    record.path.write_text(json.dumps(content))
