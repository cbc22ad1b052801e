"""What is left out of a folder or a table, and why."""

from dataclasses import dataclass, field
from typing import Any

from labelbench_core.storage.places import printable

EXAMPLES = 3

# Why something is left out.
HIDDEN = "hidden, or left behind by a system"
OUTSIDE = "outside of class folders"
NESTED = "in sub-folders of classes"
REFUSED = "of formats that are not read"
NO_IMAGE = "not images, by their names"
SPECIAL = "not regular files"
NO_SPLIT = "in folders that the option `splits` does not name"
CORRUPT = "which cannot be decoded"
NOT_TAKEN = "in classes that the option `leave_out` names"


@dataclass
class LeftOut:
    """What is left out, by reason: how many entries, and the names of the first.

    Attributes
    ----------
    counts, examples
        Reason → number of entries; reason → paths relative to the data set's root, printable.
    by_folder
        Class folder, as `split/name` → number of entries in it that are left out.
    named
        Names in the option `leave_out` for which a folder is left out.
    """

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    by_folder: dict[str, int] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)

    def add(self, reason: str, path: str, count: int = 1, folder: str = "", note: str = "") -> None:
        """Count `count` entries, one of which is `path`, with a `note` on that one."""
        if not count:
            return
        self.counts[reason] = self.counts.get(reason, 0) + count
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES:
            shown.append(printable(path) + (f" ({note})" if note else ""))
        if folder:
            self.by_folder[folder] = self.by_folder.get(folder, 0) + count

    def described(self) -> dict[str, dict[str, Any]]:
        """Reason → count and examples, as manifests hold it."""
        return {
            reason: {"count": self.counts[reason], "examples": self.examples[reason]}
            for reason in sorted(self.counts)
        }
