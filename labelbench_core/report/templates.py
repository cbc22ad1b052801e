"""What pages are made with: templates that escape what they show, and images within a page."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

from labelbench_core.errors import InputError, shown

if TYPE_CHECKING:
    import jinja2

_SIGNATURES = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
}


def template(folder: Path, name: str) -> jinja2.Template:
    """The template `name` of a folder: values are escaped, and an unknown name is an error.

    It can show an encoded image by the filter `address` (`data_uri`).
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["address"] = data_uri
    return environment.get_template(name)


def data_uri(image: bytes, where: str = "picture") -> str:
    """An encoded image (JPEG, PNG, GIF or WebP) as a `data:` URI; `where` names it in an error.

    Raises
    ------
    InputError
        If it is of another format, in one line.
    """
    kind = next((name for start, name in _SIGNATURES.items() if image.startswith(start)), None)
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        kind = "image/webp"
    if kind is None:
        told = f"{where}: thumbnail begins with {shown(image[:8].hex())}"
        raise InputError(f"{told}; allowed: JPEG, PNG, GIF or WebP")
    return f"data:{kind};base64,{base64.b64encode(image).decode('ascii')}"
