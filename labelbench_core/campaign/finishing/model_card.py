"""A model card: what the model is, how good it is, and how to use it, as Markdown for people.

After Mitchell et al., "Model cards for model reporting", 2019, with the header that model hubs
read.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from labelbench_core.campaign.answers.labels import State
from labelbench_core.campaign.audit.estimators import LEAST_OF_A_CLASS
from labelbench_core.campaign.finishing.collected import CollectedLabels
from labelbench_core.campaign.finishing.predictions import CalibratedPredictions
from labelbench_core.counting import counted
from labelbench_core.registry.info import IMAGES

CARD = "README.md"
_TASK = {IMAGES: "image-classification", "texts": "text-classification"}
_ONE = {IMAGES: "image", "texts": "text"}


def article(noun: str) -> str:
    """The noun with its indefinite article."""
    return f"an {noun}" if noun[0] in "aeio" else f"a {noun}"


def model_card(
    record: Mapping[str, Any], collected: CollectedLabels, predictions: CalibratedPredictions
) -> str:
    """The card of a model whose record is given; the same for the same model."""
    return "\n".join(_lines(record, collected, predictions)) + "\n"


def _lines(
    record: Mapping[str, Any], collected: CollectedLabels, predictions: CalibratedPredictions
) -> Iterator[str]:
    row = _ONE.get(record["rows"], "row")
    yield "---"
    yield "library_name: labelbench"
    if task := _TASK.get(record["rows"]):
        yield f"pipeline_tag: {task}"
    yield "tags: [labelbench, active-learning]"
    yield "---"
    yield f"# {record['campaign']}"
    yield ""
    yield _what_it_is(record, row)
    yield ""
    yield from _accuracy(record, predictions, row)
    yield ""
    yield from _classes(collected, predictions)
    yield ""
    yield "## How it was trained"
    yield ""
    yield from _training(record, collected)
    yield ""
    yield "## How to use it"
    yield ""
    yield from _use(record, row)
    yield ""
    yield "## Made with"
    yield ""
    for name, version in record["made_with"].items():
        yield f"- {name}: {version or 'not known'}"
    yield f"- weights: SHA-256 `{record['weights_sha256']}`"


def _what_it_is(record: Mapping[str, Any], row: str) -> str:
    backbone = record["backbone"]["id"]
    several = "any number of" if record["multilabel"] else "one of"
    kind = (
        f"the network `{backbone}`, fine-tuned end to end by `{record['trainer']['id']}`"
        if record["trainer"]
        else f"the proxy `{record['proxy']['id']}` on embeddings by `{backbone}`"
    )
    return (
        f"Gives {article(row)} {several} {len(record['classes'])} classes: {kind}, on "
        f"{record['num_labeled']:,} labels that people gave in the labelling campaign "
        f"`{record['campaign']}`."
    )


def _accuracy(
    record: Mapping[str, Any], predictions: CalibratedPredictions, row: str
) -> Iterator[str]:
    yield "## How good it is"
    yield ""
    found, calibration = predictions.accuracy.estimate, predictions.calibration
    exponent = f", exponent {calibration.exponent:.2f}" if record["multilabel"] else ""
    if not found.n:
        yield f"Not known: no {row} of the campaign's audit has a label."
        yield ""
        yield "Its probabilities are not calibrated, for the same reason."
        return
    right = "all its classes are right" if record["multilabel"] else "it is right"
    yield (
        f"On a random {row} of the pool {right} with probability {found.estimate:.1%} (95 % "
        f"interval {found.low:.1%} to {found.high:.1%}), by {found.n:,} randomly drawn rows that "
        f"it was not trained on (`{found.name}`). It says nothing of data from elsewhere."
    )
    if undecided := predictions.accuracy.undecided.undecided:
        both = predictions.accuracy.undecided
        wrong, right = both.all_wrong, both.all_right
        yield ""
        yield (
            f"That is on rows that people could decide. {undecided:,} more rows of the audit were "
            f"skipped, unsure, contradicted or of no class: with all of them wrong it is "
            f"{wrong.estimate:.1%} ({wrong.low:.1%} to {wrong.high:.1%}), with all of them right "
            f"{right.estimate:.1%} ({right.low:.1%} to {right.high:.1%})."
        )
    if predictions.accuracy.f1 is not None:
        f1 = predictions.accuracy.f1
        yield ""
        of_row = f"Mean F1 of the classes of {article(row)}"
        yield f"{of_row}: {f1.estimate:.3f} ({f1.low:.3f} to {f1.high:.3f})."
    yield ""
    yield (
        f"Its probabilities are calibrated on these rows (temperature "
        f"{calibration.temperature:.2f}{exponent}). On parts of them that the temperature was not "
        f"found on, the mean logarithmic loss goes from {calibration.loss_before:.3f} to "
        f"{calibration.loss_after:.3f}, and the mean probability of its predictions from "
        f"{calibration.confidence_before:.1%} to {calibration.confidence_after:.1%}, where "
        f"{calibration.accuracy:.1%} are right."
    )
    if (other := record["compared"]) is not None:
        yield ""
        yield _beside_proxy(other)


def _beside_proxy(other: Mapping[str, Any]) -> str:
    told = (
        f"The proxy on frozen embeddings has {other['proxy']:.1%} ({other['low']:.1%} to "
        f"{other['high']:.1%}). The fine-tuned network alone is right on {other['only_network']} "
        f"of the audit's rows, the proxy alone on {other['only_proxy']}"
    )
    if other["p_value"] >= 0.05:
        return f"{told}: that they differ cannot be told (McNemar, p = {other['p_value']:.2g})."
    if other["only_network"] > other["only_proxy"]:
        return f"{told} (McNemar, p = {other['p_value']:.2g})."
    return (
        f"{told}: **the proxy is better** (McNemar, p = {other['p_value']:.2g}). `finish: "
        "{trainer: none}` in the campaign's file hands over the proxy."
    )


def _classes(collected: CollectedLabels, predictions: CalibratedPredictions) -> Iterator[str]:
    values, count = collected.training.values, len(collected.classes)
    labels = values.sum(axis=0) if values.ndim > 1 else np.bincount(values, minlength=count)
    found = predictions.predicted
    told = found.sum(axis=0) if found.ndim > 1 else np.bincount(found, minlength=count)
    measured = predictions.accuracy.classes
    yield "| class | labels trained on | predicted in the pool | right, where it is true |"
    yield "|---|---:|---:|---:|"
    for place, name in enumerate(collected.classes):
        of_class = measured[place] if place < len(measured) else None
        shown = "" if of_class is None else f"{of_class.low:.0%} to {of_class.high:.0%}"
        cell = name.replace("\\", "\\\\").replace("|", "\\|")
        yield f"| {cell} | {int(labels[place]):,} | {int(told[place]):,} | {shown} |"
    if not collected.multilabel:
        yield ""
        least = LEAST_OF_A_CLASS
        yield f"The last column has 95 % intervals, for classes with {least} audit rows or more."
    if none := [collected.classes[place] for place in np.flatnonzero(labels == 0).tolist()]:
        yield ""
        yield f"**Without any label to train on: {', '.join(none)}.** Do not use it for these."


def _training(record: Mapping[str, Any], collected: CollectedLabels) -> Iterator[str]:
    states = [one.state for one in collected.items]
    names = {name for one in collected.items for name in one.annotators}
    people, nameless = names - {""}, "" in names
    audit = sum(one.audit for one in collected.items)
    unasked = sum(not one.batch for one in collected.items)
    yield (
        f"{len(states):,} rows were answered by {_people(len(people), nameless)} in "
        f"{_batches(collected, unasked)}; {audit:,} of "
        "them are the audit's, and nothing was trained on these. Undecided: "
        f"{states.count(State.CONTRADICTED.value):,} on which people disagree, "
        f"{states.count(State.UNSURE.value):,} unsure, "
        f"{states.count(State.SKIPPED.value):,} skipped, "
        f"{states.count(State.NO_CLASS.value):,} of no class."
    )
    yield ""
    by = ["by a strategy"] * (unasked < len(states)) + ["by people"] * bool(unasked)
    yield (
        f"Rows were chosen {' and '.join(by)}, not at random: the labels that it was trained on do "
        "not show how frequent classes are."
    )
    if record["trained"].get("diverged"):
        yield ""
        yield "**Its training diverged.** Do not use it."


def _people(named: int, nameless: bool) -> str:
    """How many people answered, in words; any number of them may have given no name."""
    if not named:
        return "an unknown number of annotators"
    told = counted(named, "annotator")
    return f"{told}, and others without a name," if nameless else told


def _batches(collected: CollectedLabels, unasked: int) -> str:
    """How many batches there were, in words, and how many rows were answered that none had."""
    count = collected.record["batches"]
    told = f"{count} batch{'' if count == 1 else 'es'}"
    if not unasked:
        return told
    return f"{told} ({unasked:,} of them in none: labels from before, or corrections)"


def _use(record: Mapping[str, Any], row: str) -> Iterator[str]:
    what = {IMAGES: "PHOTOS", "texts": "TEXTS.txt"}.get(record["rows"], "EMBEDDINGS.npy")
    yield "From a clone of the project that made it:"
    yield ""
    yield f"    .venv/bin/python -m workflow_scripts.predict THIS_FOLDER {what}"
    yield ""
    yield (
        "It prints a table of predictions with calibrated probabilities. `model.json` has the "
        "classes, the backbone, the preprocessing and the temperature; `model.safetensors` the "
        "weights."
    )
    if record["rows"] == IMAGES:
        yield (
            f"{article(row).capitalize()} is made upright, read as sRGB, made square and scaled as "
            "`model.json` says. The pretrained weights have a licence of their own."
        )
