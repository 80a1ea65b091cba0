"""Commands on any network: summary and compare."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnref.cli.arguments import positive

if TYPE_CHECKING:
    from cnnref.accounting import Latency, Memory

__all__ = ["add_commands"]

NAMES = (
    "torchvision:NAME, timm:NAME, hf:NAME, cnnref:NAME, package.module:callable or file.py:callable"
)
"""What a network may be called."""


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this module."""
    summary = commands.add_parser(
        "summary",
        help="count a network, layer by layer",
        description="Output shapes, parameters, multiply-accumulates and receptive fields of any "
        "network, without running it on data.",
        epilog="examples: cnnref summary torchvision:resnet50 --input 3x224x224 --depth 2; "
        "cnnref summary my_package.nets:make_net --input 1x28x28 --format json",
    )
    summary.add_argument("target", metavar="NETWORK", help=NAMES)
    summary.add_argument(
        "--format",
        choices=["table", "markdown", "latex", "html", "json", "csv"],
        default="table",
        help="json and csv tell everything, whatever is shown",
    )
    summary.add_argument(
        "--memory",
        nargs="?",
        const="adam",
        metavar="OPTIMIZER",
        help="how much memory the network takes, in training with an optimizer (adam, where none "
        "is given; sgd, momentum, adagrad, rmsprop, adamw) and at inference",
    )
    summary.add_argument(
        "--batch", type=positive, metavar="N", help="examples in the batch of --memory"
    )
    summary.add_argument(
        "--latency",
        nargs="?",
        const=30,
        type=positive,
        metavar="REPEATS",
        help="how long each layer takes on --device (the cpu, where none is given): median and "
        "quartiles of 30 repeats, where no other number is given",
    )
    _add_counting(summary)
    summary.set_defaults(command=partial(_in_words_of_a_shell, _summary))

    compare = commands.add_parser(
        "compare",
        help="two networks side by side",
        description="Two networks layer by layer, aligned by name: both values of each column, and "
        "of counts their difference.",
        epilog="example: cnnref compare torchvision:resnet18 torchvision:resnet34 "
        "--input 3x224x224 --depth 1",
    )
    compare.add_argument("target", metavar="NETWORK", help=NAMES)
    compare.add_argument("other", metavar="OTHER", help="another, on the same input")
    compare.add_argument("--format", choices=["table", "markdown", "json"], default="table")
    compare.add_argument(
        "--changed", action="store_true", help="only the layers that are not the same in both"
    )
    _add_counting(compare)
    compare.set_defaults(command=partial(_in_words_of_a_shell, _compare))


def _add_counting(parser: argparse.ArgumentParser) -> None:
    """Add how a network is counted and which of its rows and columns are shown."""
    parser.add_argument(
        "--input",
        action="append",
        required=True,
        metavar="3x224x224",
        help="size of one example, channels first; again for each further input, name=3x224x224 "
        "for inputs by name, 128:long for whole numbers",
    )
    parser.add_argument(
        "--depth",
        type=_depth,
        default="auto",
        metavar="N",
        help="add up what is nested deeper; all for every layer; as many as fit a screen where "
        "none is given",
    )
    parser.add_argument(
        "--columns",
        type=_columns,
        metavar="A,B",
        help="name, kind, input_shape, output_shape, kernel, stride, dtype, parameters, "
        "parameter_share, trainable, buffers, macs, mac_share, flops, backward_macs, "
        "parameter_bytes, output_bytes, saved_bytes, receptive_field, "
        "receptive_field_without_gates, support, jump, jump_without_gates, start, seen, reason",
    )
    parser.add_argument("--no-batch", action="store_true", help="the sizes have a batch already")
    parser.add_argument("--training", action="store_true", help="count in training mode")
    parser.add_argument(
        "--strict", action="store_true", help="fail if anything cannot be counted in full"
    )
    parser.add_argument(
        "--device",
        default="auto",
        help="where to make the network and run it; meta: without values; auto, where none is "
        "given: meta if that works, else cpu",
    )


_WORDS = {
    r"give dtypes=torch\.(\w+) beside (the|its) size( \(.*?\))?": r"write :\1 behind the size",
    r"summarize\(\.\.\., device='(\w+)'\)": r"--device \1",
    r"device='(\w+)'": r"--device \1",
    r"memory\(batch=2\)": "--memory --batch 2",
    r"batch_dim=False": "--no-batch",
    r"strict=True": "--strict",
    r"; or give a torch\.nn\.Module": "",
    r"; several sizes go in a list": "; give --input again for each",
}
"""What an error advises in Python, and what it is on a command line."""


def _in_words_of_a_shell(
    command: Callable[[argparse.Namespace], int], options: argparse.Namespace
) -> int:
    from cnnref.accounting import AccountingError

    try:
        return command(options)
    except AccountingError as error:
        told = str(error)
        for words, here in _WORDS.items():
            told = re.sub(words, here, told)
        raise AccountingError(told) from error


def _summary(options: argparse.Namespace) -> int:
    from cnnref.accounting import AccountingError, summarize
    from cnnref.accounting.tracing.targets import read_inputs

    sizes, dtypes = read_inputs(options.input)
    more = [way for way in ("memory", "latency") if getattr(options, way)]
    if more and options.format not in ("table", "json"):
        raise AccountingError(
            f"--{more[0]} is told as table or json, got --format {options.format}"
        )
    if options.batch and not options.memory:
        raise AccountingError("--batch says for how many examples --memory is; give both")

    counted = summarize(options.target, sizes, dtypes=dtypes, depth=options.depth, **_ways(options))
    columns = options.columns
    beside: dict[str, Memory | Latency] = {}
    if options.memory:
        beside["memory"] = counted.memory(options.batch, optimizer=options.memory)
    if options.latency:
        beside["latency"] = _latency(options, sizes, dtypes)
    if options.format in ("json", "csv"):  # for programs: everything, if nobody asks for less
        if isinstance(options.depth, int):
            counted = counted.collapsed(options.depth)
        if options.format == "csv":
            print(counted.to_csv().rstrip("\n"))
            return 0
        told = counted.to_dict() | {name: value.to_dict() for name, value in beside.items()}
        print(json.dumps(told, indent=1))
        return 0
    ways = {
        "table": counted.text,
        "markdown": counted.to_markdown,
        "latex": counted.to_latex,
        "html": counted.to_html,
    }
    fits = options.format == "table" and columns is None
    shown = str(counted) if fits else ways[options.format](columns=columns).rstrip("\n")
    print(shown.replace("text(depth=None) shows all", "--depth all shows all"))
    for value in beside.values():
        print(f"\n{value}")
    return 0


def _latency(options: argparse.Namespace, sizes: Any, dtypes: Any) -> Latency:
    from cnnref.accounting import latency

    place = "cpu" if options.device in ("auto", "meta") else options.device
    return latency(
        options.target,
        sizes,
        device=place,
        dtypes=dtypes,
        batch_dim=not options.no_batch,
        training=options.training,
        repeats=options.latency,
    )


def _compare(options: argparse.Namespace) -> int:
    from cnnref.accounting import compare
    from cnnref.accounting.tracing.targets import read_inputs

    sizes, dtypes = read_inputs(options.input)
    both = compare(options.target, options.other, sizes, dtypes=dtypes, **_ways(options))
    if options.format == "json":
        print(json.dumps(both.to_dict(), indent=1))
        return 0
    chosen = {"columns": options.columns} if options.columns else {}
    way: Callable[..., str] = both.to_markdown
    if options.format == "table":
        way = both.text if chosen else both.fitted
    print(way(depth=options.depth, changed=options.changed, **chosen))
    return 0


def _ways(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "batch_dim": not options.no_batch,
        "device": options.device,
        "training": options.training,
        "strict": options.strict,
    }


def _depth(text: str) -> int | str | None:
    return {"all": None, "auto": "auto"}[text] if text in ("all", "auto") else positive(text)


def _columns(text: str) -> list[str]:
    from cnnref.accounting.summary.columns import checked_columns

    try:
        return [*checked_columns([name.strip() for name in text.strip(" ,").split(",")])]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
