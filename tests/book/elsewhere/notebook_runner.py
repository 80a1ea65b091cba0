"""Runs notebooks as one who has the library's wheel, Jupyter, and nothing of this book.

    python notebook_runner.py FOLDER_OF_THE_WHEEL NOTEBOOK...

prints a line of JSON for each: its path, and the error that stopped it or null.
"""

import importlib
import json
import os
import sys
import traceback
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

BOOK = {"bookext", "docutils", "jupyter_book", "jupyter_cache", "myst_nb", "myst_parser", "sphinx"}
TESTS = {"hypothesis", "pandas", "pytest", "tests"}

SHARED = [
    "IPython.core.interactiveshell", "cnnref.experiments", "cnnref.figures", "cnnref.notebook",
    "matplotlib.backends.backend_svg", "torchvision",
]  # fmt: skip


class Elsewhere(PathFinder):
    """Finds modules as ever, but none of the book or of its tests."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        hidden = fullname.partition(".")[0] in BOOK | TESTS
        return None if hidden else super().find_spec(fullname, path, target)


def run(notebook: Path) -> str | None:
    """Run every cell in order; the error of the one that fails."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    # What a figure looks like is the pages' concern, and a mistake in it would stop no cell.
    formatter: Any = shell.display_formatter
    formatter.mimebundle_formatter.enabled = False
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            try:
                shell.run_cell("".join(cell["source"])).raise_error()
            except Exception:
                return f"{cell['id']}: {traceback.format_exc()}"
    return None


def main(library: str, *notebooks: str) -> None:
    sys.path.insert(0, library)
    sys.meta_path[:] = [Elsewhere if f is PathFinder else f for f in sys.meta_path]
    # Loaded once, for all of them.
    for name in SHARED:
        importlib.import_module(name)
    import cnnref

    assert cnnref.__file__.startswith(library), cnnref.__file__
    for notebook in notebooks:
        reading, writing = os.pipe()
        if not os.fork():  # a process for each: none finds what another has left
            os.close(reading)
            sys.stdout = sys.stderr
            with os.fdopen(writing, "w") as told:
                json.dump([notebook, run(Path(notebook))], told)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as told:
            print(told.read() or json.dumps([notebook, "the process died"]), flush=True)
        os.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
