"""Commands on the data folder."""

from __future__ import annotations

import argparse

__all__ = ["add_commands"]


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this module."""
    data = commands.add_parser(
        "data",
        help="the data folder",
        description="The folder of the datasets: CNNREF_DATA, else in the user's cache.",
    ).add_subparsers(required=True, metavar="COMMAND")
    fetch = data.add_parser(
        "fetch",
        help="download datasets",
        description="Download datasets by torchvision, each checked by its checksum. Needs the "
        "extra cnnref[vision].",
    )
    fetch.add_argument(
        "names", nargs="+", metavar="NAME", help="such as mnist, fashion-mnist or cifar10"
    )
    fetch.set_defaults(command=_data_fetch)
    check = data.add_parser(
        "check",
        help="say which datasets are here and whole",
        description="Say where the data folder is, which datasets are in it, and whether each is "
        "whole, by its checksum.",
    )
    check.set_defaults(command=_data_check)


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
