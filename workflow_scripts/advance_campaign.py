"""Take in the answers to a campaign's batches, and hand out the next batch if it is due."""

import argparse
import sys
from pathlib import Path

from labelbench_core.campaign.calls import Call, advance
from labelbench_core.campaign.notes import notes_of
from labelbench_core.campaign.zero_shot import ClassNamesClassifier, made_for
from labelbench_core.provenance import installed
from labelbench_core.storage import files
from workflow_scripts._campaign_job import campaign_parser, opened
from workflow_scripts._commit import commit
from workflow_scripts._job import run_job

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
    files.write_json(arguments.call, described(done))


def described(call: Call) -> dict[str, object]:
    """The record of a call."""
    batch, state = call.batch, call.state
    return {
        "status": call.status,
        "batch": 0 if batch is None else batch.number,
        "size": 0 if batch is None else len(batch.record["items"]),
        "answered": 0 if batch is None else state.answered(batch),
        "new_files": len(call.received.receipts),
        "new_answers": sum(len(one.answers) for one in call.received.receipts),
        "num_labeled": len(state.training_labels().rows),
        "audited": len(state.audited()),
        "notes": notes_of(state),
        "answers_sha256": state.receipts[-1].sha256 if state.receipts else None,
    }


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
