"""What a page of the book needs of its notebook: names for numbers, cells that wait for data.

    %load_ext cnnref.notebook

makes `%%needs cifar10` a cell magic: the cell runs where the dataset is at hand; elsewhere it
prints what is missing and which command fetches it, and the page goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnref.data import DATASETS, MissingDataError, files_of

if TYPE_CHECKING:
    from cnnref.experiments.claims import Finding

__all__ = ["claim", "glue", "load_ipython_extension"]


def claim(name: str) -> Finding:
    """What the records say of a claim; where it no longer holds, a box in the page says so.

    A cell that calls it must show its output. It never fails for what the records say: with other
    seeds the book must build too.

    Args:
        name: a key of `cnnref.experiments.claims.CLAIMS`.

    Raises:
        UnknownClaimError: there is no such claim.
        NoRecordError: a record that it needs is missing.
    """
    from IPython.display import Markdown, display

    from cnnref.experiments.claims import find

    made = find(name)
    found = made.look()
    if not found.holds:
        text = (
            f"> **With the present records this no longer holds:** {made.text} "
            f"They show: {found.shows}."
        )
        display(Markdown(text))  # type: ignore[no-untyped-call]
    return found


def glue(name: str, value: object, display: bool = True) -> None:
    """Give a value a name, by which the text of the book quotes it; see MyST-NB's `glue`.

    A notebook that was downloaded has its numbers in its text already, and runs without MyST-NB:
    there, nothing happens.

    Args:
        name: the name.
        value: the number, text or figure.
        display: show it here too.
    """
    try:
        from myst_nb import glue as keep
    except ModuleNotFoundError:
        return
    # NumPy's numbers show their type, which no reader wants.
    keep(name, value.item() if isinstance(value, np.generic) else value, display=display)


def load_ipython_extension(shell: Any) -> None:
    """Register `%%needs DATASET`; IPython calls this for `%load_ext cnnref.notebook`.

    Args:
        shell: the running `IPython.core.interactiveshell.InteractiveShell`.
    """

    def needs(line: str, cell: str) -> None:
        asked = line.strip()
        try:
            files_of(asked)
        except MissingDataError:
            name = DATASETS[asked].parent or asked
            print(f"This cell was not run: the dataset {name!r} is not in the data folder.")
            print(f"`cnnref data fetch {name}` downloads it; CNNREF_DATA names another folder.")
            return
        # The error of a cell that fails must fail the page, as it would without the magic.
        shell.run_cell(cell).raise_error()

    shell.register_magic_function(needs, magic_kind="cell", magic_name="needs")
