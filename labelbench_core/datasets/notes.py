"""Images left out and leaks, from a prepared data set's manifest, as sentences."""

from collections.abc import Iterator, Mapping
from typing import Any


def leak_notes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for every kind of leak."""
    for leak in manifest.get("leaks", ()):
        count, kind = leak["count"], leak["kind"]
        first, second = leak["examples"][0]
        images = "1 image" if count == 1 else f"{count:,} images"
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
