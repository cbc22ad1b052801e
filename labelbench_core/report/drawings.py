"""Drawn figures as part of the page: small, with ids and styles of their own, in its colours."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

from labelbench_core.errors import damaged, missing
from labelbench_core.figures.palette import GRID, INK, MUTED, PALETTE, PAPER

THEME = {INK: "ink", MUTED: "muted", GRID: "rule", PAPER: "paper", PALETTE[0]: "blue"}
PLACES, DECIMALS = re.compile(r' (?:d|x|y)="[^"]*"'), re.compile(r"(\.\d\d)\d+")
"""Coordinates, and their decimals after the second."""
REFERENCE = re.compile(r'((?:href="|url\()#)([^")]+)')


def inline_svg(path: Path, name: str) -> Any:
    """An SVG file of Matplotlib's as part of an HTML page, as safe markup.

    Its ids begin with `name`, and only those that something refers to are kept; styles, which every
    marker repeats, become classes. With many curves that leaves a fifth of the file.
    """
    import markupsafe

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise missing(path) from error
    start = text.find("<svg")
    if start < 0:
        raise damaged(path, "not an SVG file")
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text[start:], flags=re.DOTALL)
    head, rest = text.split(">", 1)
    view = re.search(r'viewBox="[^"]*"', head)
    if view is None:
        raise damaged(path, "has no viewBox")
    rest = re.sub(r">\s+<", "><", re.sub(r"\s+", " ", rest))
    rest = PLACES.sub(lambda found: DECIMALS.sub(r"\1", found[0]), rest)
    rest = _short_ids(rest, name)
    for color, variable in THEME.items():
        rest = rest.replace(color, f"var(--{variable})")
    rest, styles = _classes(rest, f"f{zlib.crc32(name.encode()):x}-")
    label = name.replace("_", " ")
    return markupsafe.Markup(f'<svg {view[0]} role="img" aria-label="{label}">{styles}{rest}')


def _short_ids(text: str, name: str) -> str:
    """`text` with the ids that something refers to, numbered, and no others."""
    known: dict[str, str] = {}
    for _, found in REFERENCE.findall(text):
        known.setdefault(found, f"{name}-{len(known)}")

    def kept(found: re.Match[str]) -> str:
        return f' id="{known[found[1]]}"' if found[1] in known else ""

    text = re.sub(r'\sid="([^"]*)"', kept, text)
    return REFERENCE.sub(lambda found: found[1] + known[found[2]], text)


def _classes(text: str, prefix: str) -> tuple[str, str]:
    """`text` with classes in place of styles, and the element that defines them."""
    known: dict[str, str] = {}

    def named(found: re.Match[str]) -> str:
        return f'class="{known.setdefault(found[1], f"{prefix}{len(known)}")}"'

    text = re.sub(r'style="([^"]*)"', named, text)
    rules = "".join(f".{name}{{{style}}}" for style, name in known.items())
    return text, f"<style>{rules}</style>"
