"""The stored results as tables for people, in Markdown.

`tables` sets some of them side by side, `datasets` all that were trained on the same images;
`cells` is what both are made of.
"""

from cnnref.experiments.report.datasets import summary_markdown
from cnnref.experiments.report.tables import (
    claims_markdown,
    comparison_markdown,
    comparisons_markdown,
    result_markdown,
)

__all__ = [
    "claims_markdown",
    "comparison_markdown",
    "comparisons_markdown",
    "result_markdown",
    "summary_markdown",
]
