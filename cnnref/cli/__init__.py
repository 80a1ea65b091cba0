"""The command `cnnref`: experiments, their records, the data they need, and what networks cost.

Exit codes: 0 all is well; 1 a check or a training failed; 2 a mistake in the call or its
surroundings; 130 interrupted.

Each module holds some commands and adds them to the parser: `experiments` (list, show, run, verify,
claims), `networks` (summary, compare) and `datasets` (data). The commands import what they need
themselves, so that `cnnref --help` does not wait for torch.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

from cnnref import __version__
from cnnref.cli import datasets, experiments, networks
from cnnref.errors import CnnrefError

__all__ = ["main"]


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

    for part in (experiments, networks, datasets):
        part.add_commands(commands)
    return parser
