"""Links that set an explorer, and its tour.

In the text of a page that has the explorer::

    {try}`A stride of 4 <explorer-sizes?s=4>` skips inputs altogether.

The link sets what it names and leaves the rest as the page has it. It is an ordinary link to an
address, which the explorer reads; where no script runs, it leads to the explorer's figure. MyST's
own links refuse such addresses. The controls that it names are checked when the page is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole

from .box import explorer_node

logger = logging.getLogger(__name__)

CLASS = "explorer-try"


class TryRole(ReferenceRole):
    """A link to a setting; without the explorer's name, in the explorer's own text."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link; whether there is such a setting is seen when the page is read."""
        name, _, query = self.target.partition("?")
        # As the explorer's script writes it.
        setting = urlencode(parse_qsl(query, keep_blank_values=True), safe=",")
        link = nodes.reference(
            "", self.title, refuri=f"#{name}?{setting}", internal=True, classes=[CLASS]
        )
        self.set_source_info(link)
        return [link], []


def links_in(node: nodes.Element) -> list[nodes.reference]:
    """The links to settings in a node."""
    return [link for link in node.findall(nodes.reference) if CLASS in link["classes"]]


def target_of(link: nodes.reference) -> tuple[str, str]:
    """The explorer's name and the query."""
    name, _, query = link["refuri"].removeprefix("#").partition("?")
    return name, query


def typed(kind: str, controls: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """What an option or a link sets, each of the type that its control has.

    Raises:
        ValueError: the explorer has no such control, or a number is none.
    """
    values = {}
    for name, value in given.items():
        if name not in controls:
            raise ValueError(
                f"the explorer {kind!r} has no control {name!r}; it has: {', '.join(controls)}"
            )
        try:
            values[name] = type(controls[name])(value)
        except ValueError:
            raise ValueError(
                f"the control {name!r} of the explorer {kind!r} needs a number, got {value!r}"
            ) from None
    return values


def checked(box: explorer_node, query: str) -> dict[str, str]:
    """What a query sets, if the explorer has all of it; else a ValueError."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    typed(box["kind"], box["controls"], given)
    return given


def tour_of(box: explorer_node) -> list[dict[str, str]]:
    """The steps of the list at the end of an explorer's text, whose links become plain words.

    Raises:
        ValueError: an item is not one link without a name, the first step differs from the options
            in more than the stop, or a step sets what the explorer has not.
    """
    listed = box.children[-1]
    if not isinstance(listed, nodes.enumerated_list) or not links_in(listed):
        return []
    steps: list[dict[str, str]] = []
    for item in listed.children:
        links = links_in(item) if isinstance(item, nodes.list_item) else []
        if len(links) != 1 or links[0].astext() != item.astext() or target_of(links[0])[0]:
            raise ValueError(
                f"a step of a tour is one link, as in {{try}}`Why? <?n=9>`; got {item.astext()!r}"
            )
        _, query = target_of(links[0])
        given = checked(box, query)
        others = [n for n in given if n != "at" and given[n] != str(box["preset"].get(n))]
        if others and not steps:
            raise ValueError(
                "an explorer opens on the first step of its tour, which is that of its options; "
                f"got {query!r}, so give {', '.join(others)} as options"
            )
        steps.append({"ask": links[0].astext(), "query": query})
        links[0].replace_self(nodes.inline("", "", *links[0].children))
    return steps


class CheckLinks(SphinxTransform):
    """Every link to a setting must lead to an explorer of its page, and to controls it has."""

    default_priority = 500

    def apply(self, **_: Any) -> None:
        """Look at each, and have the explorer know the settings that are linked."""
        boxes = {box["ids"][0]: box for box in self.document.findall(explorer_node)}
        for link in links_in(self.document):
            name, query = target_of(link)
            try:
                if name not in boxes:
                    raise ValueError(
                        f"the page has no explorer {name!r}; it has: {', '.join(boxes) or 'none'}"
                    )
                if not checked(boxes[name], query):
                    raise ValueError(
                        f"a link that sets nothing of {name}; to the explorer leads {{ref}}"
                    )
            except ValueError as error:
                logger.warning("%s", error, location=link)
                continue
            linked: list[str] = boxes[name].setdefault("linked", [])
            if query not in linked:
                linked.append(query)
