"""The choice for a campaign: what its batches say was chosen before, else what our results say now.

A campaign does not change its strategy by itself. What was chosen when its first batch was handed
out is written down in the records of its batches, and stays, whatever results come with a later
version and however many classes or rows come, until its file names another.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labelbench_core.campaign.advice.choice import (
    USUAL_PROXY,
    USUAL_STRATEGY,
    Situation,
    choose_proxy,
    choose_strategy,
)
from labelbench_core.campaign.advice.evidence import Evidence
from labelbench_core.campaign.advice.wording import reason_for_proxy, reason_for_strategy
from labelbench_core.campaign.batches import FOLDER, RECORD
from labelbench_core.campaign.facts import numbered
from labelbench_core.storage import files

ADVICE, NOW, INSTEAD_OF = "advice", "now", "instead_of"
CHOSEN, REASON = "chosen", "reason"
BEFORE = {"strategy": USUAL_STRATEGY, "proxy": USUAL_PROXY}
"""What campaigns had that began before their choice was recorded."""


def advice(
    asked: Mapping[str, Any],
    situation: Situation,
    evidence: Evidence,
    folder: Path,
    allowed: Mapping[str, Callable[[str], bool]],
) -> dict[str, dict[str, Any]]:
    """What is chosen for the keys `strategy` and `proxy` that a campaign's file leaves out.

    Parameters
    ----------
    asked
        The content of the file.
    situation
        What is known of the campaign; its `proxy` counts where the file names one.
    folder
        The campaign's folder.
    allowed
        For both keys, whether the campaign can use an entry, by its id.

    Returns
    -------
    Key → `chosen`, an id; `reason`, in sentences; and, where the results of today recommend another
    than was chosen before, `now` with the same of that one.
    """
    found: dict[str, dict[str, Any]] = {}
    if "proxy" not in asked:
        strategy = asked.get("strategy", USUAL_STRATEGY)
        proxy = choose_proxy(evidence, situation.multilabel, strategy, allowed["proxy"])
        today = {CHOSEN: proxy.proxy, REASON: reason_for_proxy(proxy)}
        found["proxy"] = _kept("proxy", today, folder, allowed["proxy"])
    if "strategy" not in asked:
        chosen = choose_strategy(evidence, situation, allowed["strategy"])
        today = {CHOSEN: chosen.strategy, REASON: reason_for_strategy(chosen, situation)}
        found["strategy"] = _kept("strategy", today, folder, allowed["strategy"])
    return found


def _kept(
    key: str, today: dict[str, Any], folder: Path, is_allowed: Callable[[str], bool]
) -> dict[str, Any]:
    """What was chosen before, with what would be chosen today if that differs; else today's."""
    before = _before(key, folder)
    if before is None:
        return today
    if not is_allowed(before[CHOSEN]):
        return {**today, INSTEAD_OF: before[CHOSEN]}
    return before if before[CHOSEN] == today[CHOSEN] else {**before, NOW: today}


def _before(key: str, folder: Path) -> dict[str, Any] | None:
    """What the last batch that was proposed by a choice says of it; None if there is none."""
    for path in reversed(numbered(folder / FOLDER, "batch")):
        # Jobs check that a record is as it was written.
        record = files.read_json(path / RECORD)
        if ADVICE not in record:
            told = f"{BEFORE[key]}, which campaigns had when this one began."
            return {CHOSEN: BEFORE[key], REASON: told}
        if key in record[ADVICE]:
            return {one: record[ADVICE][key][one] for one in (CHOSEN, REASON)}
    return None


def told(found: Mapping[str, Mapping[str, Any]], *, again: bool = False) -> list[str]:
    """A line for each choice, and one for each that would be another today.

    `again`: the reasons have been told before, and are on the campaign's page.
    """
    lines = []
    if again and found:
        chosen = " and ".join(f"{key} {found[key][CHOSEN]}" for key in sorted(found, reverse=True))
        lines.append(f"As chosen when this campaign began (why: on its page): {chosen}.")
    for key in sorted(found, reverse=True):
        one = found[key]
        if not again:
            lines.append(f"{key.capitalize()}: {one[REASON]}")
        if (former := one.get(INSTEAD_OF)) is not None:
            lines.append(
                f"Until now the {key} was {former}, which this file and catalogue no longer allow; "
                f"from the next batch on it is {one[CHOSEN]}: {one[REASON]}"
            )
        if (now := one.get(NOW)) is not None:
            lines.append(
                f"Today this would be {now[REASON]} It stays {one[CHOSEN]} until the campaign's "
                f"file says `{key}: {now[CHOSEN]}`."
            )
    return lines
