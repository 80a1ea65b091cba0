"""Tables of text: for the terminal, Markdown, LaTeX and notebooks. What is in them, others say."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Table", "fitting", "preformatted"]


@dataclass(frozen=True)
class Table:
    """Cells under titles.

    Args:
        titles: of the columns.
        right: which columns are set flush right, as numbers are.
        rows: the cells of each row.
    """

    titles: Sequence[str]
    right: Sequence[bool]
    rows: Sequence[Sequence[str]]

    def text(self, above: Sequence[str], below: Sequence[str] = (), totals: int = 0) -> str:
        """For the terminal.

        Args:
            above: lines above the table.
            below: lines below it.
            totals: how many of the last rows stand below the rest, under a rule.
        """
        cells = [self.titles, *self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        head, *lines = (
            "  ".join(
                cell.rjust(width) if flush else cell.ljust(width)
                for flush, cell, width in zip(self.right, row, widths, strict=True)
            ).rstrip()
            for row in cells
        )
        rule = "-" * max(map(len, [head, *lines]))
        end = len(lines) - totals
        return "\n".join([*above, rule, head, rule, *lines[:end], rule, *lines[end:], *below])

    def markdown(self) -> str:
        """For Markdown."""

        def line(cells: Iterable[str]) -> str:
            return "| " + " | ".join(cell.replace("|", "\\|") or " " for cell in cells) + " |"

        sides = ["--:" if flush else ":--" for flush in self.right]
        return "\n".join(map(line, [self.titles, sides, *self.rows]))

    def latex(self) -> str:
        """For LaTeX with the package `booktabs`."""

        def line(cells: Iterable[str]) -> str:
            return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"

        sides = "".join("r" if flush else "l" for flush in self.right)
        return "\n".join(
            [
                rf"\begin{{tabular}}{{{sides}}}",
                r"\toprule",
                line(self.titles),
                r"\midrule",
                *map(line, self.rows),
                r"\bottomrule",
                r"\end{tabular}",
            ]
        )

    def html(self) -> str:
        """For notebooks; it scrolls where it is too wide."""

        def line(cells: Iterable[str], tag: str) -> str:
            sides = ("right" if flush else "left" for flush in self.right)
            return "".join(
                f'<{tag} style="white-space:nowrap;text-align:{side}">{escape(cell)}</{tag}>'
                for cell, side in zip(cells, sides, strict=True)
            )

        body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in self.rows)
        return (
            '<div style="overflow-x:auto"><table>'
            f"<thead><tr>{line(self.titles, 'th')}</tr></thead><tbody>{body}</tbody></table></div>"
        )


_LATEX = str.maketrans(
    {**{sign: f"\\{sign}" for sign in "&%$#_{}"}, "\\": r"\textbackslash{}", "≤": r"$\leq$",
     "≥": r"$\geq$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)  # fmt: skip


def fitting(tables: Iterable[Callable[[], str]]) -> str:
    """The first of some tables that fits into the terminal, or the last of them; the first, where
    there is no terminal."""
    room = shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None
    told = ""
    for table in tables:
        told = table()
        rule = max(len(line) for line in told.splitlines() if line.startswith("---"))
        if room is None or rule <= room:
            break
    return told


def preformatted(text: str) -> str:
    """A table for the terminal, as it shows in a notebook."""
    return f'<pre style="line-height:1.4">{escape(text)}</pre>'
