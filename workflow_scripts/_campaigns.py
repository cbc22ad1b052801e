"""What the Snakefile does for a labelling campaign while it is parsed, and prints at the end."""

import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from labelbench_core.campaign.advice.kept import told as told_of_choices
from labelbench_core.campaign.answers.dawid_skene import require_package
from labelbench_core.campaign.answers.labels import DAWID_SKENE
from labelbench_core.campaign.answers.ledger import receipts
from labelbench_core.campaign.batches import FOLDER
from labelbench_core.campaign.calls import ALL_LABELED, INBOX, waiting_files
from labelbench_core.campaign.facts import numbered
from labelbench_core.campaign.finishing.onnx_packages import require_onnx_packages
from labelbench_core.campaign.settings import Campaign
from labelbench_core.counting import counted
from labelbench_core.errors import Damaged, InputError, listed, seen_from_here
from labelbench_core.storage import files
from labelbench_core.storage.places import printable
from labelbench_core.storage.records import read_record
from workflow_scripts import _campaign_notes
from workflow_scripts import _snakefile as parsing

PLACE = "results/campaigns/{campaign}"


def files_that_came(campaign: Campaign) -> list[str]:
    """The files that people sent back, by name."""
    return [parsing.escape_braces(str(path)) for path in waiting_files(campaign.folder)]


def call_of(campaign: Campaign) -> str:
    """The record of the next call: its number is that of the batch that it may hand out."""
    return f"{_place(campaign)}/call-{_batches(campaign) + 1:03d}.json"


def page_of(campaign: Campaign) -> str:
    """The page that tells where the campaign stands after the next call."""
    return f"{_place(campaign)}/campaign-{_batches(campaign) + 1:03d}.html"


def head_of(campaign: Campaign) -> str:
    """The classifier that is made of the class names."""
    return f"{_place(campaign)}/zero-shot.npz"


def rehearsed(campaign: Campaign) -> dict[str, str]:
    """What a rehearsal makes."""
    place = f"{_place(campaign)}/rehearsal"
    return {
        "facts": f"{place}/facts",
        "batches": f"{place}/batches.csv",
        "stopping": f"{place}/stopping.csv",
        "page": f"{place}/campaign.html",
    }


def finished(campaign: Campaign) -> dict[str, str]:
    """What the end of a campaign makes."""
    place = f"{_place(campaign)}/finished"
    return {
        "labels": f"{place}/labels.csv",
        "record": f"{place}/labels.json",
        "arrays": f"{place}/labels.npz",
        "data_set": f"{place}/dataset.csv",
        "predictions": f"{place}/predictions.csv",
        "to_check": f"{place}/to_check.csv",
        "probabilities": f"{place}/probabilities.npy",
        "model": f"{place}/model",
        "onnx": f"{place}/model.onnx",
        "summary": f"{place}/finished.json",
    }


def labels_are_old(campaign: Campaign) -> bool:
    """Whether facts have been added since its labels were collected; exits if one is damaged."""
    record = Path(finished(campaign)["record"])
    if not record.is_file():
        return False
    try:
        received = receipts(campaign.folder)
        known = read_record(record, "campaign labels")
    except Damaged:
        return True  # the job that reads it says what is wrong
    except InputError as error:
        raise parsing.stop(error) from None
    last = received[-1].sha256 if received else None
    return (known["answers_sha256"], known["batches"]) != (last, _batches(campaign))


def fine_tuned(campaign: Campaign) -> dict[str, str]:
    """What the fine-tuning at the end of a campaign makes, where its model is no proxy."""
    place = f"{_place(campaign)}/finished/fine-tuning"
    return {
        "tuned": f"{place}/training.json",
        "history": f"{place}/history.csv",
        "weights": f"{place}/model.safetensors",
        "pool": f"{place}/pool.npy",
    }


def log_of(campaign: Campaign, rule: str) -> str:
    """The log of a rule that runs once for a campaign, however often it is made again."""
    return f"results/logs/{rule}/{campaign.campaign}.log"


def log_of_call(campaign: Campaign, rule: str) -> str:
    """The log of a rule in the next call."""
    return f"results/logs/{rule}/{campaign.campaign}/{_batches(campaign) + 1:03d}.log"


def benchmark_of(log: str) -> str:
    """The benchmark file of the job with a log."""
    return log.replace("results/logs/", "results/benchmarks/").replace(".log", ".tsv")


def refuse_rehearsal(campaign: Campaign, file: str) -> None:
    """End Snakemake where the target `finish` is asked for of a rehearsal."""
    if campaign.rehearsal:
        told = f"{file}: rehearsal: given; allowed with the target `finish`: a campaign that people"
        raise parsing.stop(InputError(f"{told} answer"))


def know_folder(campaign: Campaign, file: str, *, note: bool) -> None:
    """End Snakemake where results here are of another campaign of that name; else `note` which."""
    if campaign.rehearsal:
        return
    try:
        _campaign_notes.refuse_other(campaign, file)
    except InputError as error:
        raise parsing.stop(error) from None
    if note:
        _campaign_notes.note_folder(campaign)


def check_packages(campaign: Campaign, targets: Collection[str], *, dryrun: bool) -> None:
    """End Snakemake, or tell of a dry run, where a package is missing that a job would ask for."""
    try:
        if campaign.agreement == DAWID_SKENE and "embeddings" not in targets:
            require_package()
        if "finish" in targets and (campaign.finish or {}).get("onnx"):
            require_onnx_packages()
    except InputError as error:
        if not dryrun:
            raise parsing.stop(error) from None
        for line in parsing.lines_of(error):
            print(f"planned, but a run would stop: {line}", file=sys.stderr)


def tell_what_to_do(campaign: Campaign, call: Path, page: Path, directory: Path) -> None:
    """Say where a campaign stands and what to do next, unless the `call` of this run failed.

    What is new is so since the last call in the folder `directory` that told of it.
    """
    if call.is_file():
        record, notes = files.read_json(call), directory / _campaign_notes.NOTES
        before = _campaign_notes.told_before(campaign, notes)
        for line in what_to_do(campaign, record, before):
            print(line, file=sys.stderr)
        _campaign_notes.note_told(campaign, record, notes)
        if page.is_file():
            print(f"Where it stands: {seen_from_here(page)}", file=sys.stderr)


def tell_of_rehearsal(campaign: Campaign, facts: Path, *tables_and_page: Path) -> None:
    """Say what a rehearsal has made, and what was chosen for it, unless it failed."""
    if facts.is_dir():
        for line in told_of_choices(campaign.advice):
            print(line, file=sys.stderr)
        shown = listed(seen_from_here(one) for one in tables_and_page)
        print(f"Campaign {campaign.campaign} was rehearsed: {shown}", file=sys.stderr)


def tell_of_finished(campaign: Campaign, directory: Path) -> None:
    """Say what a campaign handed over in `directory`, unless it failed: its summary comes last."""
    made = {name: directory / path for name, path in finished(campaign).items()}
    before = [made["record"]]
    if (campaign.finish or {}).get("trainer"):
        before.append(directory / fine_tuned(campaign)["tuned"])
    there = all(path.is_file() for path in (*before, made["summary"]))
    written = made["summary"].stat().st_mtime_ns if there else 0
    if there and all(path.stat().st_mtime_ns <= written for path in before):
        for line in what_is_finished(campaign, made, files.read_json(made["summary"])):
            print(line, file=sys.stderr)


def what_is_finished(
    campaign: Campaign, made: Mapping[str, Path], summary: dict[str, Any]
) -> list[str]:
    """The lines for the summary of a finished campaign, of which the files are given."""
    shown = {name: seen_from_here(path) for name, path in made.items()}
    by_model = f"{summary['by_model']:,} by the model"
    if (wrong := summary["wrong"]) is not None:
        by_model += (
            f", of which by the audit some {wrong['estimate']:,.0f} ({wrong['low']:,.0f} to "
            f"{wrong['high']:,.0f}) are wrong"
        )
    lines = [
        f"Campaign {campaign.campaign} is finished: {summary['rows']:,} rows, "
        f"{summary['by_people']:,} labelled by people and {by_model}: {shown['data_set']}",
        f"Rows to look at, {summary['to_check']:,}: {shown['to_check']}",
        f"The model, and its card: {shown['model']}/README.md",
    ]
    accuracy = summary["accuracy"]
    if accuracy["n"]:
        lines[-1] += (
            f"; right on a random row of the pool: {accuracy['estimate']:.1%} "
            f"({accuracy['low']:.1%} to {accuracy['high']:.1%})"
        )
    if undecided := summary["undecided"]["undecided"]:
        lines[-1] += f", leaving out {undecided} rows of the audit that people could not decide"
    other = summary["compared"]
    if other and other["p_value"] < 0.05 and other["only_proxy"] > other["only_network"]:
        lines.append(
            f"The proxy is better than this fine-tuned network: {other['proxy']:.1%}. "
            "`finish: {trainer: none}` in the campaign's file hands it over instead."
        )
    return [*summary.get("notes", []), *lines]


def what_is_new(call: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """Answers and rows that came, went or broke since the call of the record `before`."""
    lines = []
    answers, count = call["new_answers"], call["new_files"]
    if "answers" in before:
        answers, count = (call[one] - before[one] for one in ("answers", "files"))
    if answers > 0:
        lines.append(f"{counted(answers, 'new answer')} in {counted(count, 'file')}.")
    if pool := _rows_that_changed(call, before):
        lines.append(f"Pool: {', '.join(pool)}.")
    return lines


def _rows_that_changed(call: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    told = []
    rows, known = call.get("rows", {}), before.get("rows", {})
    if known and (come := rows["come"] - known["come"]) > 0:
        told.append(counted(come, "new row"))
    if (gone := rows.get("gone", 0)) and gone != known.get("gone", 0):
        told.append(f"{gone:,} gone ({rows['gone_labelled']:,} of them labelled)")
    broken = call.get("unreadable") or {}
    if broken and broken != before.get("unreadable"):
        names = [*broken["examples"], *["…"] * (broken["count"] > len(broken["examples"]))]
        told.append(f"{broken['count']:,} unreadable: {', '.join(names)}")
    return told


def what_to_do(campaign: Campaign, call: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """The lines for a call's record, after the record that was told `before`."""
    folder = seen_from_here(campaign.folder)
    lines = told_of_choices(campaign.advice, again=call["batch"] > 1)
    lines += what_is_new(call, before)
    lines += call.get("notes", [])
    if call["status"] == ALL_LABELED:
        return [*lines, f"Campaign {campaign.campaign}: no row is left to hand out."]
    left = call.get("left", call["size"] - call["answered"])
    named = f" ({', '.join(map(printable, items))})" if (items := call.get("left_items")) else ""
    lines.append(
        f"Campaign {campaign.campaign}, batch {call['batch']}: {left} of {call['size']} to "
        f"label{named}. They are in {folder}/{FOLDER}/batch-{call['batch']:03d}/; put the files "
        f"that come back into {folder}/{INBOX}/ and run the same command again."
    )
    if passed_over := folders_that_came(campaign):
        told = f"not read, since they are folders: {listed(passed_over)}"
        lines.append(f"In {folder}/{INBOX}/ {told}; put the files of answers there themselves.")
    return lines


def folders_that_came(campaign: Campaign) -> list[str]:
    """Names of folders among the files that people sent back."""
    inbox = campaign.folder / INBOX
    found = inbox.iterdir() if inbox.is_dir() else ()
    return sorted(printable(one.name) for one in found if one.is_dir())


def _place(campaign: Campaign) -> str:
    return PLACE.format(campaign=campaign.campaign)


def _batches(campaign: Campaign) -> int:
    """How many batches have been handed out; exits where one of them is missing."""
    try:
        return len(numbered(campaign.folder / FOLDER, "batch"))
    except InputError as error:
        raise parsing.stop(error) from None
