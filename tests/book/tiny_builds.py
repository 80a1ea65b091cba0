"""Sphinx on a folder, in a fork of one process that has imported everything heavy already.

A build of a page or two takes a second, and what it imports takes several. No part of this project
is imported ahead: each build has its own idea of where that lies.
"""

import os
import sys
from multiprocessing import get_context, set_start_method
from pathlib import Path

HEAVY = [
    "matplotlib.backends.backend_svg", "matplotlib.figure", "myst_nb.sphinx_", "numpy", "pandas",
    "scipy.stats", "sphinx.builders.html", "sphinx.cmd.build", "sphinx.ext.autodoc",
    "sphinx_book_theme", "torch", "torchvision",
]  # fmt: skip

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(HEAVY)


def build(folder: Path, env: dict[str, str], arguments: list[str]) -> tuple[int, str]:
    """The exit status of `python -m sphinx` in that folder and environment, and what it said."""
    said = folder / "said.txt"
    process = FORKS.Process(target=_become_sphinx, args=(folder, env, arguments, said))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode, said.read_text(encoding="utf-8", errors="replace")


def _become_sphinx(folder: Path, env: dict[str, str], arguments: list[str], said: Path) -> None:
    with said.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    ahead = env.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:] = [str(folder), *filter(None, ahead), *(p for p in sys.path if p not in ahead)]
    set_start_method("fork", force=True)  # for what Sphinx starts
    from sphinx.cmd.build import main

    sys.exit(main(arguments))
