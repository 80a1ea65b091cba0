"""The command `cnnref`: experiments, their records, the data they need, and what networks cost.

Exit codes: 0 all is well; 1 a check or a training failed; 2 a mistake in the call or its
surroundings; 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import textwrap
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cnnref import __version__
from cnnref.errors import CnnrefError

if TYPE_CHECKING:
    from cnnref.accounting import Latency, Memory
    from cnnref.experiments import Experiment, Record
    from cnnref.training import History

__all__ = ["main"]

# The commands import what they need themselves, so that `cnnref --help` does not wait for torch.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: the words after `cnnref`; those of the process where none are given.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except CnnrefError as error:
        _tell(error)
        return 1 if isinstance(error, ArithmeticError) else 2
    except BrokenPipeError:
        # The reader (`head`, say) has enough. Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _tell(error)
        return 2
    except KeyboardInterrupt:
        if _leads():
            print(
                "\ncnnref: interrupted; finished seeds are stored, and the same command continues "
                "the others at their last finished epoch",
                file=sys.stderr,
            )
        return 130


def _tell(error: Exception) -> None:
    # Processes that torchrun starts mostly fail together. The first of them speaks and ends, and
    # torchrun then ends the others; one that is still here afterwards has failed alone.
    if not _leads():
        time.sleep(30)
    print(f"cnnref: {error}", file=sys.stderr)


def _leads() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _list(_: argparse.Namespace) -> int:
    from cnnref.experiments import CATALOGUE
    from cnnref.experiments.store import stored

    records = stored()
    width = max(map(len, CATALOGUE))
    for entry in CATALOGUE.values():
        there = sum((entry.name, seed) in records for seed in entry.seeds)
        print(f"{entry.name:{width}}  {there}/{len(entry.seeds)} seeds stored  {entry.title}")
    return 0


def _show(options: argparse.Namespace) -> int:
    from cnnref.experiments import experiment, run

    entry = experiment(options.name)
    recipe = ", ".join(f"{key} {value}" for key, value in entry.fields["recipe"].items())
    arguments = ", ".join(f"{key}={value}" for key, value in entry.arguments.items())
    print(f"{entry.name}: {entry.title}")
    print(f"  data    {entry.dataset}")
    print(f"  model   {entry.model}({arguments})")
    print(textwrap.fill(f"  recipe  {recipe}", 100, subsequent_indent=" " * 10))
    result = run(entry, mode="stored")
    print(
        f"\n{'seed':>4}  {'accuracy':>8}  {'loss':>6}  {'seconds':>7}  {'images/s':>8}  where, when"
    )
    for record in result.records:
        made, final = record["provenance"], record["final"]
        print(
            f"{record.seed:>4}  {final['accuracy']:>8.4f}  {final['loss']:>6.3f}  "
            f"{record.seconds:>7.1f}  {record.images_per_second:>8.0f}  "
            f"{made['device_name']}, torch {made['torch']}, {made['date']}"
        )
    print(f"\n{result}")
    return 0


def _run(options: argparse.Namespace) -> int:
    from cnnref.experiments import CATALOGUE, experiment
    from cnnref.experiments.runner import choose_mode
    from cnnref.experiments.store import stored, writing_folder
    from cnnref.training import TeamError, choose_device, keep_freed_memory, team

    keep_freed_memory()
    entries = [experiment(name) for name in (CATALOGUE if options.all else options.names)]
    if not options.ray:  # a cluster may have what this machine has not
        choose_device(options.device)
    mode = "force" if options.force else choose_mode()
    side_by_side = options.all or options.jobs or options.ray
    if side_by_side and team().size > 1:
        raise TeamError(
            "under torchrun seeds are trained in turn; leave --all, --jobs and --ray to a run "
            "without it"
        )
    train = _side_by_side if side_by_side and mode != "stored" else _in_turn
    before = {path: path.stat().st_mtime_ns for path in stored().values()}
    code = train(entries, mode, options)
    after = {path: path.stat().st_mtime_ns for path in stored().values()}
    if team().leads and after != before:
        print(f"new records are in {writing_folder()}", file=sys.stderr)
    return code


def _in_turn(entries: list[Experiment], mode: str, options: argparse.Namespace) -> int:
    from cnnref.experiments import run
    from cnnref.experiments.verification import faults_by_seed
    from cnnref.training import team

    us = team()
    for entry in entries:
        seeds = options.seeds if options.seeds is not None else entry.seeds
        # What `verify` would name, this command mends.
        faults = us.from_leader(partial(faults_by_seed, entry)) if mode == "auto" else {}
        for seed in seeds:
            stale = faults.get(seed)
            if us.leads:
                print(f"{entry.name}, seed {seed}", *(stale or [])[:1], sep=": ", file=sys.stderr)
            result = run(
                entry,
                seeds=[seed],
                mode="force" if stale else mode,
                device=options.device,
                on_epoch=None if sys.stderr.isatty() else _report,
            )
            if us.leads:
                print(f"{result}; {result.records[0].path}")
                print(_curves(result.records[0]))
    return 0


def _curves(record: Record) -> str:
    """Learning curves in characters, a column for each epoch."""
    lines = []
    for metric in ("train_loss", f"{record.split}_loss", f"{record.split}_accuracy"):
        values = record["history"][metric]
        low, high = min(values), max(values)
        bars = "".join(" ▁▂▃▄▅▆▇█"[round(8 * (v - low) / (high - low or 1))] for v in values)
        label = metric.replace("train", "training").replace("_", " ")
        lines.append(f"  {label:19} |{bars}|  {values[0]:.4f} to {values[-1]:.4f}")
    return "\n".join(lines)


def _side_by_side(entries: list[Experiment], mode: str, options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from cnnref.experiments import schedule
    from cnnref.experiments.workers import cores

    jobs = schedule.pending(
        entries,
        seeds=options.seeds,
        force=mode == "force",
        jobs=cores(),
        on_experiment=_replaying,
    )
    if not jobs:
        print("every record is valid, none is stale: nothing to train")
        return 0
    if options.ray:
        outcomes = schedule.on_ray(jobs, options.ray, options.device)
    else:
        outcomes = schedule.on_this_machine(jobs, schedule.places(options.device, options.jobs))
    failed = []
    with (
        contextlib.closing(outcomes),
        tqdm(total=len(jobs), unit="run", disable=None) as bar,
    ):
        for number, (job, outcome) in enumerate(outcomes, 1):
            if isinstance(outcome, BaseException):
                failed.append(job)
                told = str(outcome).partition("\n")[0]
                line = f"failed: {type(outcome).__name__}: {told}"
            else:
                accuracy = outcome["final"]["accuracy"]
                line = f"{outcome.split} accuracy {accuracy:.4g}, {outcome.seconds:.0f} s"
                line += f"; {outcome.path}"
            bar.write(f"[{number}/{len(jobs)}] {job}: {line}", file=sys.stdout)
            bar.update()
    if failed:
        job = failed[0]
        print(
            f"{len(failed)} of {len(jobs)} failed; to see one alone: "
            f"cnnref run {job.experiment.name} --seeds {job.seed}",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _replaying(entry: Experiment) -> None:
    print(f"replaying {entry.name}", file=sys.stderr)


def _report(epoch: int, history: History) -> None:
    print(
        f"  epoch {epoch}: training loss {history.train_loss[-1]:.4f}, test loss "
        f"{history.test_loss[-1]:.4f}, test accuracy {history.test_accuracy[-1]:.4f}, "
        f"{history.images_per_second[-1]:.0f} images/s",
        file=sys.stderr,
        flush=True,
    )


def _verify(_: argparse.Namespace) -> int:
    from cnnref.experiments import CATALOGUE, verify
    from cnnref.experiments.workers import cores

    faults = verify(jobs=cores(), on_experiment=_replaying)
    for fault in faults:
        print(fault)
    count = sum(len(entry.seeds) for entry in CATALOGUE.values())
    names = [name for name in CATALOGUE if any(f.startswith(f"{name} ") for f in faults)]
    print(
        f"faults: {len(faults)}; to train again: cnnref run {' '.join(names)}"
        if faults
        else f"{count} records of {len(CATALOGUE)} experiments: all valid, none stale"
    )
    return 1 if faults else 0


def _claims(_: argparse.Namespace) -> int:
    from cnnref.experiments import CLAIMS

    looked = [(claim, claim.look()) for claim in CLAIMS.values()]
    for claim, found in looked:
        print(f"{'holds  ' if found.holds else 'CHANGED'}  {claim.chapter}: {claim.text}")
        print(f"         {found.shows}")
    print(f"{len(looked)} claims, {sum(not found.holds for _, found in looked)} of them changed")
    return 0


def _summary(options: argparse.Namespace) -> int:
    from cnnref.accounting import AccountingError, summarize
    from cnnref.accounting.tracing.targets import read_inputs

    (sizes, dtypes), choice = read_inputs(options.input), options.device
    more = [way for way in ("memory", "latency") if getattr(options, way)]
    if more and options.format not in ("table", "json"):
        raise AccountingError(
            f"--{more[0]} is told as table or json, got --format {options.format}"
        )

    counted = summarize(
        options.target,
        sizes,
        dtypes=dtypes,
        batch_dim=not options.no_batch,
        device=choice,
        training=options.training,
        strict=options.strict,
        depth=options.depth,
    )
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
    print(ways[options.format](columns=columns).rstrip("\n"))
    for value in beside.values():
        print(f"\n{value}")
    return 0


def _latency(options: argparse.Namespace, sizes: Any, dtypes: Any) -> Latency:
    from cnnref.accounting import latency
    from cnnref.accounting.tracing.targets import find_network

    place = "cpu" if options.device in ("auto", "meta") else options.device
    return latency(
        find_network(options.target, place),
        sizes,
        dtypes=dtypes,
        batch_dim=not options.no_batch,
        training=options.training,
        repeats=options.latency,
    )


def _data_fetch(options: argparse.Namespace) -> int:
    from cnnref.data import fetch

    for name in options.names:
        print(f"{name}: in {fetch(name)}")
    return 0


def _data_check(_: argparse.Namespace) -> int:
    from cnnref.data import DATASETS, DamagedDataError, MissingDataError, data_folder, load

    print(f"data folder: {data_folder()}")
    damaged = False
    for name, info in DATASETS.items():
        for split in info.splits:
            try:
                data = load(name, split)
                print(f"{name} {split}: {len(data):,} images, SHA-256 {data.sha256[:12]}, whole")
            except MissingDataError:
                print(f"{name} {split}: missing; `cnnref data fetch {name}` downloads it")
            except DamagedDataError as error:
                damaged = True
                print(f"{name} {split}: damaged: {error}")
    return 1 if damaged else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cnnref",
        description="Experiments of the book, their stored records, the data they need, and "
        "what any network costs.",
        epilog="Environment: CNNREF_DATA (data folder), CNNREF_RESULTS (records folder), "
        "CNNREF_EXPERIMENTS=auto|stored|force (when to train).",
    )
    parser.add_argument("--version", action="version", version=f"cnnref {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    listing = commands.add_parser("list", help="the experiments of the catalogue")
    listing.set_defaults(command=_list)

    show = commands.add_parser("show", help="an experiment and its stored results")
    show.add_argument("name", metavar="NAME")
    show.set_defaults(command=_show)

    run = commands.add_parser(
        "run",
        help="train what has no valid record yet",
        description="Train experiments, seed by seed. A seed whose record is valid and not stale "
        "is not trained again, so an interrupted run goes on where it stopped. To train each seed "
        "in several processes: torchrun --nproc-per-node=N -m cnnref run NAME.",
    )
    which = run.add_mutually_exclusive_group(required=True)
    which.add_argument("names", nargs="*", default=[], metavar="NAME")
    which.add_argument("--all", action="store_true", help="every experiment of the catalogue")
    run.add_argument("--device", help="cuda, mps or cpu; the best there is where none is given")
    run.add_argument("--seeds", type=_seeds, metavar="0,1,2", help="only these seeds")
    run.add_argument("--force", action="store_true", help="train even where a valid record is")
    where = run.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        type=_positive,
        metavar="N",
        help="seeds that train at a time, each in a process of its own; with --all one for each "
        "core or GPU where not said",
    )
    where.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="train on a Ray cluster: local, auto or host:port; needs the extra cnnref[ray]",
    )
    run.set_defaults(command=_run)

    verify = commands.add_parser("verify", help="check that no stored record is damaged or stale")
    verify.set_defaults(command=_verify)

    claims = commands.add_parser(
        "claims", help="what the book says of its results, and whether the records bear it out"
    )
    claims.set_defaults(command=_claims)

    summary = commands.add_parser(
        "summary",
        help="count a network, layer by layer",
        description="Output shapes, parameters, multiply-accumulates and receptive fields of any "
        "network, without running it on data.",
        epilog="examples: cnnref summary torchvision:resnet50 --input 3x224x224 --depth 2; "
        "cnnref summary my_package.nets:make_net --input 1x28x28 --format json",
    )
    summary.add_argument(
        "target",
        metavar="NETWORK",
        help="torchvision:NAME, timm:NAME, hf:NAME, cnnref:NAME, package.module:callable or "
        "file.py:callable",
    )
    summary.add_argument(
        "--input",
        action="append",
        required=True,
        metavar="3x224x224",
        help="size of one example, channels first; again for each further input, name=3x224x224 "
        "for inputs by name, 128:long for whole numbers",
    )
    summary.add_argument(
        "--format",
        choices=["table", "markdown", "latex", "html", "json", "csv"],
        default="table",
        help="json and csv tell everything, whatever is shown",
    )
    summary.add_argument(
        "--depth",
        type=_depth,
        default="auto",
        metavar="N",
        help="add up what is nested deeper; all for every layer; as many as fit a screen where "
        "none is given",
    )
    summary.add_argument(
        "--columns",
        type=_columns,
        metavar="A,B",
        help="name, kind, input_shape, output_shape, kernel, stride, dtype, parameters, "
        "parameter_share, trainable, buffers, macs, mac_share, flops, backward_macs, "
        "parameter_bytes, output_bytes, saved_bytes, receptive_field, "
        "receptive_field_without_gates, support, jump, jump_without_gates, start, seen, reason",
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
        "--batch", type=_positive, metavar="N", help="examples in the batch of --memory"
    )
    summary.add_argument(
        "--latency",
        nargs="?",
        const=30,
        type=_positive,
        metavar="REPEATS",
        help="how long each layer takes on --device (the cpu, where none is given): median and "
        "quartiles of 30 repeats, where no other number is given",
    )
    summary.add_argument("--no-batch", action="store_true", help="the sizes have a batch already")
    summary.add_argument("--training", action="store_true", help="count in training mode")
    summary.add_argument(
        "--strict", action="store_true", help="fail if anything cannot be counted in full"
    )
    summary.add_argument(
        "--device",
        default="auto",
        help="where to make the network and run it; meta: without values; auto, where none is "
        "given: meta if that works, else cpu",
    )
    summary.set_defaults(command=_summary)

    data = commands.add_parser("data", help="the data folder").add_subparsers(
        required=True, metavar="COMMAND"
    )
    fetch = data.add_parser("fetch", help="download datasets")
    fetch.add_argument("names", nargs="+", metavar="NAME")
    fetch.set_defaults(command=_data_fetch)
    check = data.add_parser("check", help="say which datasets are here and whole")
    check.set_defaults(command=_data_check)
    return parser


def _seeds(text: str) -> list[int]:
    try:
        seeds = [int(part) for part in text.split(",")]
    except ValueError:
        seeds = [-1]
    if min(seeds) < 0:
        raise argparse.ArgumentTypeError(f"expected whole numbers like 0,1,2, got {text!r}")
    return seeds


def _depth(text: str) -> int | str | None:
    return {"all": None, "auto": "auto"}[text] if text in ("all", "auto") else _positive(text)


def _columns(text: str) -> list[str]:
    from cnnref.accounting.summary.tables import checked_columns

    try:
        return [*checked_columns(text.split(","))]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)
