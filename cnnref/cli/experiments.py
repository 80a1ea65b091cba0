"""Commands on experiments: list, show, run, verify and claims."""

from __future__ import annotations

import argparse
import contextlib
import sys
import textwrap
from functools import partial
from typing import TYPE_CHECKING

from cnnref.cli.arguments import positive

if TYPE_CHECKING:
    from cnnref.experiments import Experiment, Record
    from cnnref.training import History

__all__ = ["add_commands"]

_NAMES = "an experiment, as `cnnref list` names it"


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this module."""
    listing = commands.add_parser(
        "list",
        help="the experiments of the catalogue",
        description="The experiments of the catalogue, how many of their seeds are stored, and "
        "what each asks.",
    )
    listing.set_defaults(command=_list)

    show = commands.add_parser(
        "show",
        help="an experiment and its stored results",
        description="An experiment: its data, model and recipe, and of each stored seed the "
        "accuracy, the time and the device.",
    )
    show.add_argument("name", metavar="NAME", help=_NAMES)
    show.set_defaults(command=_show)

    run = commands.add_parser(
        "run",
        help="train what has no valid record yet",
        description="Train experiments, seed by seed. A seed whose record is valid and not stale "
        "is not trained again, so an interrupted run goes on where it stopped. To train each seed "
        "in several processes: torchrun --nproc-per-node=N -m cnnref run NAME.",
    )
    which = run.add_mutually_exclusive_group(required=True)
    which.add_argument("names", nargs="*", default=[], metavar="NAME", help=_NAMES)
    which.add_argument("--all", action="store_true", help="every experiment of the catalogue")
    run.add_argument("--device", help="cuda, mps or cpu; the best there is where none is given")
    run.add_argument("--seeds", type=_seeds, metavar="0,1,2", help="only these seeds")
    run.add_argument("--force", action="store_true", help="train even where a valid record is")
    where = run.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        type=positive,
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

    verify = commands.add_parser(
        "verify",
        help="check that no stored record is damaged or stale",
        description="Replay the first steps of every stored training, in seconds and without data: "
        "a record that is damaged, or that this code would not make again, is named.",
    )
    verify.set_defaults(command=_verify)

    claims = commands.add_parser(
        "claims",
        help="what the book says of its results, and whether the records bear it out",
        description="Each sentence of the book about the outcome of a training, and whether the "
        "stored records bear it out.",
    )
    claims.set_defaults(command=_claims)


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


def _seeds(text: str) -> list[int]:
    try:
        seeds = [int(part) for part in text.split(",")]
    except ValueError:
        seeds = [-1]
    if min(seeds) < 0:
        raise argparse.ArgumentTypeError(f"expected whole numbers like 0,1,2, got {text!r}")
    return seeds
