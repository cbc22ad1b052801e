"""Splits, leaks and images left out, from a prepared data set's manifest, as sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labelbench_core.datasets import BOTH, EVALUATION, POOL, TRAINING, VAL, split_order
from labelbench_core.datasets.files.left_out import CORRUPT

WEIGHTED = {
    BOTH: "Metrics and training are weighted",
    EVALUATION: "Metrics are weighted, and training is not",
    TRAINING: "Training is weighted, and metrics are not",
}
"""What weights are for → how a sentence on them begins."""
SHOWN = 3
"""Most contents that a sentence names."""
SMALL = 1000
"""Rows of a split below which the report says what one of them weighs."""


def variant_notes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each way in which a data set differs from its official version."""
    if note := manifest.get("splits_note"):
        yield f"{note}."
    if (count := manifest.get("merge_classes")) is not None:
        yield f"{count} classes: the last one holds all others of the source."
    pool = manifest.get("splits", {}).get("pool", {})
    if (tail := manifest.get("long_tail")) is not None:
        counts = pool["class_counts"]
        yield (
            f"The pool has a long tail of ratio {tail['ratio']:g}: {counts[0]:,} images of class "
            f"{manifest['class_names'][0]}, {counts[-1]:,} of class {manifest['class_names'][-1]}."
        )
    yield from weight_notes(manifest)
    if (copies := pool.get("near_copies")) is not None:
        yield f"{copies:,} images of the pool are near-copies of others, added on purpose."


def weight_notes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """One sentence on splits whose rows have weights, if there are any."""
    splits = manifest.get("splits", {})
    found = [one for one in sorted(splits, key=split_order) if "weights" in splits[one]]
    if found:
        ranges = "; ".join(weight_range(one, splits[one]) for one in found)
        purpose = manifest.get("weights_for", BOTH)
        if purpose == BOTH and not {POOL, VAL} & set(found):
            purpose = EVALUATION  # no row that is trained on has a weight
        yield f"{WEIGHTED[purpose]}: a row counts as many times as its weight says ({ranges})."


def weight_range(split: str, described: Mapping[str, Any]) -> str:
    """Range and sum of a split's weights, from its part of a manifest."""
    weights, rows = described["weights"], described["num_rows"]
    least, most, total = (f"{weights[key]:.6g}" for key in ("min", "max", "sum"))
    return f"{split} {least} to {most}, {total} in all for {rows:,} rows"


def leak_notes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for every kind of leak."""
    for leak in manifest.get("leaks", ()):
        count, kind = leak["count"], leak["kind"]
        of = leak.get("of", "image")
        images = f"1 {of}" if count == 1 else f"{count:,} {of}s"
        if kind == "two classes":
            same = f"{images}, identical in content, {_are(count)} under two classes"
            yield f"{same}{_examples(leak['examples'])}."
            continue
        earlier, later = kind.removesuffix(", nearly").split(" and ")
        where = f"{images} of {later} {_are(count)}"
        if "most_bits" in leak:
            pairs = [f"{second} and {first}" for first, second in leak["examples"]]
            more = f"; and {count - len(pairs):,} more" if count > len(pairs) else ""
            yield (
                f"{where} nearly identical to one of {earlier} (perceptual hashes differ in at "
                f"most {leak['most_bits']} of 64 bits): {'; '.join(pairs)}{more}."
            )
        else:
            same = f"{where} also in {earlier}, identical in content"
            yield f"{same}{_examples(leak['examples'])}."


def _examples(examples: Sequence[Sequence[str]]) -> str:
    """All names of each content, of the first few contents."""
    shown = [f"{', '.join(names[:-1])} and {names[-1]}" for names in examples[:SHOWN]]
    return (": " if len(examples) <= SHOWN else ", for example ") + "; ".join(shown)


def left_out_notes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for every reason why something in the data set's folder is not used."""
    for reason, entry in manifest.get("left_out", {}).items():
        count, shown = entry["count"], ", ".join(entry["examples"])
        more = ", …" if count > len(entry["examples"]) else ""
        yield f"{count:,} {'file' if count == 1 else 'files'} left out, {reason}: {shown}{more}"


def small_test_notes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Sentences on small splits on which results are measured: the share of one of their rows."""
    # A pool without labels has no counts: nothing is measured on it.
    splits = {k: one for k, one in manifest.get("splits", {}).items() if "class_counts" in one}
    small = [k for k in sorted(splits, key=split_order) if splits[k]["num_rows"] < SMALL]
    for split in small:
        count = splits[split]["num_rows"]
        rows = "1 row" if count == 1 else f"{count:,} rows"
        named = "pool" if split == POOL else f"{split} split"
        weights = {"min": 1, "max": 1, "sum": count}
        if manifest.get("weights_for") != TRAINING:
            weights = splits[split].get("weights", weights)
        least, most = (f"{100 * weights[key] / weights['sum']:.2f}" for key in ("min", "max"))
        share = least if least == most else f"{least} to {most}"
        told = f"The {named} has {rows}: one of them is {share} % of it."
        if split == small[-1]:
            told += " Intervals are over seeds only: they do not say how much results would differ "
            told += "on other rows."
        yield told


def corrupt_notes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """One sentence on images that were left out because they cannot be decoded."""
    left_out = manifest.get("left_out", {})
    return left_out_notes({"left_out": {one: left_out[one] for one in left_out if one == CORRUPT}})


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
