"""HTML that the extension writes: templates, each beside the module that fills it in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True, trim_blocks=True, lstrip_blocks=True,
)  # fmt: skip
TEMPLATES.policies["json.dumps_kwargs"] = {"separators": (",", ":")}


def filled(template: str, **values: Any) -> str:
    """The template at a path within this folder, with these values."""
    return TEMPLATES.get_template(template).render(values)
