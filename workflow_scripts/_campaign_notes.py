"""Which campaigns have used this folder, and what their calls have told already.

Results of a campaign are named by its name, its facts are in a folder of its own: two campaigns of
one name would replace each other's results.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core.campaign.arrivals import RECORD
from labelbench_core.campaign.facts import numbered_path
from labelbench_core.campaign.settings import Campaign
from labelbench_core.errors import InputError
from labelbench_core.storage import files
from labelbench_core.storage.places import printable
from workflow_scripts import _notes

NOTES = files.MACHINE_STATE / "campaigns.json"


def refuse_other(campaign: Campaign, file: str, notes: Path = NOTES) -> None:
    """Check that results here are not of another campaign of the same name.

    A folder that was moved or copied holds the same campaign: its first fact says so.

    Raises
    ------
    InputError
        If the folder that was used here before is still that of a campaign, and of another one;
        names both folders.
    """
    folder = str(campaign.folder.resolve())
    before = _noted(campaign, notes).get("folder")
    if not isinstance(before, str) or before == folder:
        return
    begun = _first_fact(Path(before))
    if begun is not None and begun != _first_fact(campaign.folder):
        raise InputError(
            f"{file}: campaign: {campaign.campaign!r}: of that name is the campaign in "
            f"{printable(before)}, whose results are here, and that in {printable(folder)}; "
            "allowed: another name, or another folder (--directory)"
        )


def note_folder(campaign: Campaign, notes: Path = NOTES) -> None:
    """Note where the campaign that uses this folder is."""
    folder = str(campaign.folder.resolve())
    _notes.add(notes, {campaign.campaign: {**_noted(campaign, notes), "folder": folder}})


def told_before(campaign: Campaign, notes: Path) -> Mapping[str, Any]:
    """The record of the last call that told somebody; empty if it is not known."""
    noted = _noted(campaign, notes)
    told = noted.get("told")
    same = noted.get("began_with") == _first_fact(campaign.folder)
    return told if same and isinstance(told, dict) else {}


def note_told(campaign: Campaign, call: Mapping[str, Any], notes: Path) -> None:
    """Note that what the record of a call says has been told."""
    noted = {
        **_noted(campaign, notes),
        "folder": str(campaign.folder.resolve()),
        "began_with": _first_fact(campaign.folder),
        "told": dict(call),
    }
    _notes.add(notes, {campaign.campaign: noted})


def _noted(campaign: Campaign, notes: Path) -> dict[str, Any]:
    found = _notes.read(notes).get(campaign.campaign)
    return found if isinstance(found, dict) else {}


def _first_fact(folder: Path) -> str | None:
    """SHA-256 of the first fact in a campaign's folder; None if there is none."""
    path = numbered_path(folder / "pool", "arrival", 1) / RECORD
    try:
        return files.sha256_file(path)
    except OSError:
        return None
