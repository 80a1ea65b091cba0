"""Pages that a program writes are alike: some of them have whatever the others have.

A browser takes seconds for a page, and hundreds are pages of the reference or of source code. What
a browser can say of an element depends on what the element is and on what it stands in, far more
than on its words. So those are opened that together have every kind of element, every script and
every style sheet of them all; on the others nothing is new.
"""

import re
from collections.abc import Mapping

GIVEN = r"[^\s=>\"/]+(?:=(?:\"[^\"]*\"|[^\s\">]+))?"
TAG = re.compile(rf"<(/?)([a-zA-Z][\w-]*)((?:\s+{GIVEN})*)\s*(/?)>")
ATTRIBUTE = re.compile(r"([^\s=>\"/]+)(?:=(?:\"([^\"]*)\"|([^\s\">]+)))?")
VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
}  # fmt: skip
TELLING = {"class", "role", "style", "tabindex", "type", "rel"}
"""Attributes whose values are part of a kind; of the others, the name is."""
LOADS = {("script", None): "src", ("script", "late"): "src", ("link", "stylesheet"): "href"}
"""What a page asks for, by the tag and its type or relation: the address is part of the kind."""


def kinds(html: str) -> set[str]:
    """The kinds of a page's elements: tag, attributes, and those of the element around it."""
    found, around = set(), [("", "")]
    for match in TAG.finditer(html):
        closing, tag, text, alone = match.groups()
        if closing:
            if tag in (names := [name for name, _ in around]):
                del around[len(names) - 1 - names[::-1].index(tag) :]
            continue
        given = {name: quoted or bare for name, quoted, bare in ATTRIBUTE.findall(text)}
        told = [f'{name}="{given[name]}"' if name in TELLING else name for name in sorted(given)]
        loaded_as = given.get("type" if tag == "script" else "rel")
        address = given.get(LOADS.get((tag, loaded_as), ""), "")
        told += [address.replace("../", "")] if address else []
        empty = " empty" if html.startswith("</", match.end()) else ""
        own = " ".join([tag, *told])
        found.add(f"{around[-1][1]} > {own}{empty}")
        if not alone and tag not in VOID:
            around.append((tag, own))
    return found


def telling(pages: Mapping[str, str]) -> list[str]:
    """The names of pages that have every kind of element; the largest is one of them."""
    if not pages:
        return []
    found = {name: kinds(html) for name, html in pages.items()}
    chosen = [max(pages, key=lambda name: len(pages[name]))]
    seen = set(found[chosen[0]])
    for name in sorted(found, key=lambda name: (-len(found[name]), name)):
        if found[name] - seen:
            chosen.append(name)
            seen |= found[name]
    return sorted(chosen)
