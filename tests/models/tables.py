"""The layer table in a model's docstring, against the counted model."""

from torch import nn

from cnnref.accounting import Summary


def documented(kind: type[nn.Module]) -> list[dict[str, str]]:
    """The rows of the table, by its headings."""
    lines = [line.strip() for line in (kind.__doc__ or "").splitlines()]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|")
    ]
    head, _, *rows = cells
    return [dict(zip(head, row, strict=True)) for row in rows]


def assert_documented(kind: type[nn.Module], counted: Summary) -> None:
    """The table has the layers with parameters and the poolings, in order, and its numbers hold.

    A pooling that the model calls as a function has no name of its own to compare.
    """
    table = documented(kind)
    found = [x for x in counted.layers if x.parameters or "pool" in x.kind.lower()]
    assert len(found) == len(table)
    for layer, row in zip(found, table, strict=True):
        name = next(iter(row.values()))
        if name.startswith("pool"):
            assert layer.name.startswith(("pool", ":max_pool2d"))
        else:
            assert layer.name.split(".")[0] == name
        assert layer.output_shape is not None
        assert row["output"] == " x ".join(map(str, layer.output_shape[1:]))
        assert row["parameters"] == f"{layer.parameters}"
    assert counted.total_parameters == sum(int(row["parameters"]) for row in table)
