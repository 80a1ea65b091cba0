"""What the files of stored runs hold, read by hand."""

import json
import math


def contents(result):
    """What the files of a result's records hold."""
    return [json.loads(record.path.read_text(encoding="utf-8")) for record in result.records]


def accuracies(result):
    """Recounted from the confusion counts of every file."""
    found = []
    for content in contents(result):
        counts = content["confusion"]
        images = sum(sum(row) for row in counts)
        assert images == 10_000
        found.append(sum(counts[k][k] for k in range(10)) / images)
    return found


def mean_and_spread(values):
    """Mean and standard deviation, in plain Python."""
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
