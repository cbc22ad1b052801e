"""The contact sheets of an experiment: one page with rows of every batch that was bought."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from labelbench_core.analysis.collected.shown_batches import Sheet
from labelbench_core.report.templates import template
from labelbench_core.stages.report_files import SHEETS_TEMPLATE


def contact_sheets(experiment: str, sheets: Sequence[Sheet]) -> str:
    """The page as text: self-contained, without scripts, the same bytes for the same sheets."""
    page = template(Path(__file__).parent, SHEETS_TEMPLATE)
    return page.render(experiment=experiment, sheets=sheets)
