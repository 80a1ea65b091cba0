"""The first sentences of an answer, for the list of questions.

A chapter answers in the paragraph that begins with **Answer.** after the box of the question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.util import docname_join

LENGTH = 240
"""Whole sentences up to so many letters; the first in any case."""

LITTLE = 60
"""Sentences of fewer letters than this say too little, and the next one is taken as well."""

END = re.compile(r"[.?!][)\]”\"]*(?=\s+\S)")
COMMA = re.compile(r",(?:\s|\\end\{\w+\})*$")
"""That a formula ends in one, behind which its sentence goes on."""

KEPT = (nodes.math, nodes.literal)
STYLES = (nodes.emphasis, nodes.strong)
UNSEEN = (nodes.raw, nodes.image, nodes.target)
WORDLESS = {("math", "eq"), ("std", "numref"), ("std", "ref"), ("std", "doc")}


def short_answer(box: nodes.Element, others: type[nodes.Element]) -> list[nodes.Node]:
    """The beginning of the answer to a question, and the formula or the list that it leads to.

    Args:
        box: the question's.
        others: the class of such boxes; what comes behind the next is not this one's answer.

    Returns:
        A paragraph and what it leads to, or nothing.
    """
    following = iter(box.parent.children[box.parent.index(box) + 1 :])
    for node in following:
        if isinstance(node, (others, nodes.section)):
            break
        if is_answer(node):
            words = plain(told(node)[1:])
            kept = beginning(words)
            paragraph = nodes.paragraph("", "", *kept, classes=["question-answer"])
            whole = paragraph.astext() == "".join(word.astext() for word in words).strip()
            open_end = paragraph.astext()[-1:] not in ".?!)"
            return [paragraph, *led_to(following)] if whole and open_end else [paragraph]
    return []


def is_answer(node: nodes.Node) -> bool:
    """Whether a paragraph begins with **Answer.**"""
    if not isinstance(node, nodes.paragraph):
        return False
    first = next(iter(told(node)), None)
    return isinstance(first, nodes.strong) and first.astext() == "Answer."


def told(node: nodes.Node) -> list[nodes.Node]:
    """What stands in a paragraph; MyST begins some with a text of no letters."""
    return [n for n in node.children if not isinstance(n, nodes.Text) or n.astext()]


def plain(children: Iterable[nodes.Node]) -> list[nodes.Node]:
    """The words, formulas and code of a line; of links their words, of citations nothing.

    What gets its words from elsewhere, as a reference to an equation does, stays what it is.
    """
    words: list[nodes.Node] = []
    for child in children:
        if isinstance(child, nodes.Text):
            words.append(nodes.Text(re.sub(r"\s+", " ", child.astext())))
        elif isinstance(child, KEPT):
            words.append(child.deepcopy())
        elif isinstance(child, STYLES):
            words.append(type(child)("", "", *plain(child.children)))
        elif isinstance(child, addnodes.pending_xref) and is_wordless(child):
            link = child.deepcopy()
            if link["reftype"] == "doc":
                link["reftarget"] = f"/{docname_join(link['refdoc'], link['reftarget'])}"
            words.append(link)
        elif is_citation(child):  # the blank before it goes, too
            if words and isinstance(words[-1], nodes.Text):
                words[-1] = nodes.Text(words[-1].astext().rstrip())
        elif isinstance(child, nodes.Inline) and not isinstance(child, UNSEEN):
            words.extend(plain(child.children))
    return words


def is_citation(node: nodes.Node) -> bool:
    """Whether a node is a reference to the bibliography."""
    return isinstance(node, nodes.Element) and node.get("refdomain") == "cite"


def is_wordless(link: addnodes.pending_xref) -> bool:
    """Whether a reference will get its words, or its number, from what it leads to."""
    kind = link["refdomain"], link["reftype"]
    return kind in WORDLESS and not link.get("refexplicit")


def beginning(
    words: list[nodes.Node], little: int = LITTLE, length: int = LENGTH
) -> list[nodes.Node]:
    """The first sentences of a line, as many as the length allows."""
    ends: list[tuple[int, int, int | None]] = []
    before = 0
    for place, word in enumerate(words):
        text = word.astext()
        if isinstance(word, nodes.Text):
            ends += [(before + found.end(), place, found.end()) for found in END.finditer(text)]
        before += len(text)
    ends.append((before, len(words) - 1, None))
    enough = [end for end in ends if end[0] >= little] or ends[-1:]
    _, place, cut = max((end for end in enough if end[0] <= length), default=enough[0])
    kept = words[: place + 1]
    if cut is not None:
        kept[place] = nodes.Text(kept[place].astext()[:cut])
    return [*strip(kept)]


def strip(words: list[nodes.Node]) -> Iterator[nodes.Node]:
    """A line without the blanks at its ends."""
    for place, word in enumerate(words):
        text = word.astext()
        if isinstance(word, nodes.Text) and place in (0, len(words) - 1):
            text = text.lstrip() if place == 0 else text
            yield nodes.Text(text.rstrip() if place == len(words) - 1 else text)
        else:
            yield word


def led_to(following: Iterator[nodes.Node]) -> list[nodes.Node]:
    """What completes a sentence: a list, or a formula and the rest of the sentence behind it."""
    rest = (node for node in following if not isinstance(node, nodes.target))
    node = next(rest, None)
    if isinstance(node, nodes.bullet_list):
        return [shortened(node)]
    if not isinstance(node, nodes.math_block):
        return []
    formula = node.deepcopy()
    formula["ids"], formula["names"] = [], []
    formula["number"] = formula["label"] = None
    behind = next(rest, None) if COMMA.search(formula.astext()) else None
    if not isinstance(behind, nodes.paragraph):
        return [formula]
    sentence = beginning(plain(behind.children), little=0, length=0)
    return [formula, nodes.paragraph("", "", *sentence, classes=["question-answer"])]


def shortened(node: nodes.Element) -> nodes.Element:
    """A list with the beginning of each of its paragraphs."""
    if isinstance(node, nodes.paragraph):
        return nodes.paragraph("", "", *beginning(plain(node.children)))
    parts = [shortened(part) for part in node.children if isinstance(part, nodes.Element)]
    return type(node)("", *parts)
