"""Splits, leaks and images left out, from a prepared data set's manifest, as sentences."""

from collections.abc import Iterator, Mapping
from typing import Any


def variant_notes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for everything in which a data set is not as its source has it officially."""
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
    if (copies := pool.get("near_copies")) is not None:
        yield f"{copies:,} images of the pool are near-copies of others, added on purpose."


def leak_notes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for every kind of leak."""
    for leak in manifest.get("leaks", ()):
        count, kind = leak["count"], leak["kind"]
        first, second = leak["examples"][0]
        of = leak.get("of", "image")
        images = f"1 {of}" if count == 1 else f"{count:,} {of}s"
        if kind == "two classes":
            yield (
                f"{images}, identical in content, {_are(count)} under two classes, for example "
                f"{first} "
                f"and {second}."
            )
            continue
        earlier, later = kind.removesuffix(", nearly").split(" and ")
        where = f"{images} of {later} {_are(count)}"
        if "most_bits" in leak:
            yield (
                f"{where} nearly identical to one of {earlier} (perceptual hashes differ in at "
                f"most {leak['most_bits']} of 64 bits), for example {second} and {first}."
            )
        else:
            yield (
                f"{where} also in {earlier}, identical in content, for example {second} and "
                f"{first}."
            )


def left_out_notes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for every reason why something in the data set's folder is not used."""
    for reason, entry in manifest.get("left_out", {}).items():
        count, shown = entry["count"], ", ".join(entry["examples"])
        more = ", …" if count > len(entry["examples"]) else ""
        yield f"{count:,} {'file' if count == 1 else 'files'} left out, {reason}: {shown}{more}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
