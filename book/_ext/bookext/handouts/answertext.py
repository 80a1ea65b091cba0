"""The answer to a question in words, for the list of questions.

A chapter answers in the paragraph that begins with **Answer.** after the box of the question, and
in the formula or the list to which it leads. `tests/test_chapter_form.py` keeps it to 80 words.
"""

from __future__ import annotations

import re

from docutils import nodes

from ..folding.checks import bold_opening

COMMA = re.compile(r",(?:\s|\\end\{\w+\})*$")
"""That a formula ends in one, behind which its sentence goes on."""

PARTS = (nodes.paragraph, nodes.bullet_list, nodes.math_block)


def answer_in_words(box: nodes.Element, others: type[nodes.Element]) -> list[nodes.Node]:
    """The paragraph that answers a question, and what completes its last sentence.

    Args:
        box: the question's.
        others: the class of such boxes; what comes behind the next is not this one's answer.

    Returns:
        Copies, the first without its **Answer.**; nothing, where no paragraph answers.
    """
    answer: list[nodes.Node] = []
    for node in box.parent.children[box.parent.index(box) + 1 :]:
        if isinstance(node, (others, nodes.section)):
            break
        if isinstance(node, nodes.target):
            continue
        if answer and not isinstance(node, PARTS):
            break
        if answer or bold_opening(node, "Answer."):
            answer.append(node.deepcopy())
            if ends(node):
                break
    for paragraph in answer[:1]:
        opening = next(paragraph.findall(nodes.strong))
        opening.parent.remove(opening)
    return answer


def ends(node: nodes.Node) -> bool:
    """Whether a sentence ends with a paragraph, a list or a formula."""
    if isinstance(node, nodes.math_block):
        return not COMMA.search(node.astext())
    return isinstance(node, nodes.bullet_list) or node.astext().rstrip()[-1:] in ".?!)"
