"""Take in the answers to a campaign's batches, and hand out the next batch if it is due."""

import argparse
import sys
from pathlib import Path

from labelbench_core.campaign.answers.joining import State
from labelbench_core.campaign.batches import StoredBatch
from labelbench_core.campaign.calls import Call, advance
from labelbench_core.campaign.notes import notes_of
from labelbench_core.campaign.pool import CampaignPool
from labelbench_core.campaign.state import CampaignState
from labelbench_core.campaign.zero_shot import ClassNamesClassifier, made_for
from labelbench_core.datasets.files.left_out import CORRUPT
from labelbench_core.provenance import installed
from labelbench_core.storage import files
from workflow_scripts._campaign_job import campaign_parser, opened
from workflow_scripts._commit import commit
from workflow_scripts._job import run_job

MOST_NAMED = 5  # rows still to label, in the record of a call
PACKAGES = ("numpy", "scikit-learn", "scipy", "torch")


def advance_campaign(arguments: argparse.Namespace) -> None:
    campaign, pool = opened(arguments)
    classifier = None
    if arguments.zero_shot is not None:
        classes = list(campaign.classes)
        expected = made_for(campaign.backbone, classes)
        classifier = ClassNamesClassifier.read(arguments.zero_shot, expected, classes)
    made_with = {"commit": commit(), "code": arguments.code, **installed(PACKAGES)}
    done = advance(
        campaign,
        pool,
        arguments.answers,
        made_with=made_with,
        classifier=classifier,
        threads=arguments.threads,
    )
    files.write_json(arguments.call, described(done, pool))


def described(call: Call, pool: CampaignPool) -> dict[str, object]:
    """The record of a call."""
    batch, state = call.batch, call.state
    left = [] if batch is None else left_of(state, batch)
    return {
        "status": call.status,
        "batch": 0 if batch is None else batch.number,
        "size": 0 if batch is None else len(batch.record["items"]),
        "answered": 0 if batch is None else state.answered(batch),
        "left": len(left),
        "left_items": left[:MOST_NAMED] if len(left) <= MOST_NAMED else [],
        "files": sum(bool(one.answers) for one in state.receipts),
        "answers": len(state.answers),
        "new_files": sum(bool(one.answers) for one in call.received.receipts),
        "new_answers": sum(len(one.answers) for one in call.received.receipts),
        "num_labeled": len(state.training_labels().rows),
        "audited": len(state.audited()),
        "notes": notes_of(state),
        "answers_sha256": state.receipts[-1].sha256 if state.receipts else None,
        "rows": rows_of(state),
        "unreadable": dict(pool.dataset.manifest.get("left_out", {}).get(CORRUPT, {})),
    }


def left_of(state: CampaignState, batch: StoredBatch) -> list[str]:
    """Items of a batch, in its order, that the pool still has and nobody has answered."""
    answered = {one.item for one in state.answers if one.batch == batch.name}
    items = state.labels.items
    answered |= {name for name, one in items.items() if one.state is not State.ASK_AGAIN}
    asked = [one["item"] for one in batch.record["items"]]
    return [one for one in asked if one in state.row_of and one not in answered]


def rows_of(state: CampaignState) -> dict[str, int]:
    """How many rows have come so far, how many of them are gone, and how many of these labelled."""
    gone = [state.arrivals.items[number] for number in state.present.removed]
    decided = [one for one in gone if state.labels.items.get(one) is not None]
    labelled = sum(state.is_decided(state.labels.items[one]) for one in decided)
    return {"come": len(state.arrivals.items), "gone": len(gone), "gone_labelled": labelled}


def main(argv: list[str] | None = None) -> int:
    parser = campaign_parser(__doc__)
    parser.add_argument(
        "--zero-shot", type=Path, nargs="?", help="classifier made of the class names"
    )
    parser.add_argument("--answers", type=Path, nargs="*", default=[], help="files of answers")
    parser.add_argument("--code", default="", help="hash of the code, for the batch's record")
    parser.add_argument("--call", type=Path, required=True, help="record of the call to write")
    return run_job(advance_campaign, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
