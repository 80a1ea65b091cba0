"""The answer to a question in words, for the list of questions.

A chapter answers in the paragraph that begins with **Answer.** after the box of the question, and
in the formula or the list to which it leads. `tests/test_chapter_form.py` keeps it to 80 words.
"""

from __future__ import annotations

import re

from docutils import nodes

from ..folding.checks import behind, bold_opening

COMMA = re.compile(r",(?:\s|\\end\{\w+\})*$")
"""That a formula ends in one, behind which its sentence goes on."""

PARTS = (nodes.paragraph, nodes.bullet_list, nodes.math_block)


def answer_in_words(box: nodes.Element) -> list[nodes.Node]:
    """The paragraph that answers a box, and what completes its last sentence.

    Returns:
        These, taken out of the page, the first without its **Answer.**; nothing, where no
        paragraph answers.
    """
    answer: list[nodes.Node] = []
    for node in behind(box):
        if isinstance(node, nodes.section) or "answer" in node["classes"]:
            break
        if isinstance(node, nodes.target):
            continue
        if answer and not isinstance(node, PARTS):
            break
        opening = bold_opening(node, "Answer.")
        if opening is not None:
            opening.parent.remove(opening)
        if answer or opening is not None:
            answer.append(node)
            if ends(node):
                break
    return answer


def ends(node: nodes.Node) -> bool:
    """Whether a sentence ends with a paragraph, a list or a formula."""
    if isinstance(node, nodes.math_block):
        return not COMMA.search(node.astext())
    return isinstance(node, nodes.bullet_list) or node.astext().rstrip()[-1:] in ".?!)"
