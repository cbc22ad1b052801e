"""What the Snakefile does for a labelling campaign while it is parsed, and says when it ends."""

import sys
from pathlib import Path
from typing import Any

from labelbench_core.campaign.batches import FOLDER
from labelbench_core.campaign.calls import ALL_LABELED, INBOX, waiting_files
from labelbench_core.campaign.facts import numbered
from labelbench_core.campaign.settings import Campaign
from labelbench_core.errors import InputError, seen_from_here
from labelbench_core.storage import files
from workflow_scripts import _snakefile as parsing

PLACE = "results/campaigns/{campaign}"


def files_that_came(campaign: Campaign) -> list[str]:
    """The files that people sent back, by name."""
    return [parsing.escape_braces(str(path)) for path in waiting_files(campaign.folder)]


def call_of(campaign: Campaign) -> str:
    """The record of the next call: its number is that of the batch that it may hand out."""
    return f"{_place(campaign)}/call-{_batches(campaign) + 1:03d}.json"


def log_of(campaign: Campaign) -> str:
    """The log of the next call."""
    return f"results/logs/advance_campaign/{campaign.campaign}/{_batches(campaign) + 1:03d}.log"


def benchmark_of(campaign: Campaign) -> str:
    """The benchmark file of the next call."""
    return log_of(campaign).replace("results/logs/", "results/benchmarks/").replace(".log", ".tsv")


def tell_what_to_do(campaign: Campaign) -> None:
    """Say where a campaign stands and what to do next, in a few lines."""
    try:
        batches = _batches(campaign)
    except SystemExit:
        return
    calls = sorted(Path(_place(campaign)).glob("call-*.json"))
    if not calls or not batches:
        return
    try:
        last: dict[str, Any] = files.read_json(calls[-1])
    except InputError:
        return
    for line in what_to_do(campaign, last):
        print(line, file=sys.stderr)


def what_to_do(campaign: Campaign, call: dict[str, Any]) -> list[str]:
    """The lines for a call's record."""
    folder = seen_from_here(campaign.folder)
    lines = []
    if call["new_answers"]:
        lines.append(f"{call['new_answers']} new answers in {call['new_files']} files.")
    if call["status"] == ALL_LABELED:
        return [*lines, f"Campaign {campaign.campaign}: every row has been handed out."]
    left = call["size"] - call["answered"]
    lines.append(
        f"Campaign {campaign.campaign}, batch {call['batch']}: {left} of {call['size']} to label. "
        f"They are in {folder}/{FOLDER}/batch-{call['batch']:03d}/; put the files that come back "
        f"into {folder}/{INBOX}/ and run the same command again."
    )
    return lines


def _place(campaign: Campaign) -> str:
    return PLACE.format(campaign=campaign.campaign)


def _batches(campaign: Campaign) -> int:
    """How many batches have been handed out; exits where one of them is missing."""
    try:
        return len(numbered(campaign.folder / FOLDER, "batch"))
    except InputError as error:
        raise parsing.stop(error) from None
