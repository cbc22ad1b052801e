"""The contact sheets of an experiment: one page with rows of every batch that was bought."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from labelbench_core.analysis.collected.shown_batches import Sheet
from labelbench_core.stages.report_files import SHEETS_TEMPLATE


def contact_sheets(experiment: str, sheets: Sequence[Sheet]) -> str:
    """The page as text: self-contained, without scripts, the same bytes for the same sheets."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["address"] = _address
    return environment.get_template(SHEETS_TEMPLATE).render(experiment=experiment, sheets=sheets)


def _address(picture: bytes) -> str:
    """A picture as an address that holds it."""
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"
