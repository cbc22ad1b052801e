"""List backbones, describe their options, or try one out.

python -m labelbench_core.backbones --list
python -m labelbench_core.backbones --describe NAME ...
python -m labelbench_core.backbones --check ID [--configfile FILE]
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labelbench_core import registry
from labelbench_core.errors import InputError, did_you_mean, listed, shown
from labelbench_core.piping import CUT_SHORT, until_reader_leaves
from labelbench_core.registry import listing, own
from labelbench_core.storage.yaml_files import read_yaml

COLUMNS = ("summary", "license")
CATALOGUE = registry.PROJECT / "config" / "catalogue" / "backbones.yaml"


@until_reader_leaves(CUT_SHORT)
def main(argv: list[str] | None = None) -> int:
    """Print a list, descriptions, or what a trial found out; the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    if any(one.split("=")[0] == "--check" for one in argv):
        return check(argv)
    more = "--check ID [--configfile FILE] tries a backbone out on two photographs, or texts"
    return listing.list_command("backbones", COLUMNS, argv, more)


def check(argv: list[str]) -> int:
    """Exit status of `--check`: 0 if the backbone is right, 1 if not, 2 if it cannot be built."""
    parser = argparse.ArgumentParser(prog="python -m labelbench_core.backbones")
    parser.add_argument("--check", required=True, metavar="ID", help="an id of the catalogue")
    parser.add_argument(
        "--configfile", type=Path, help="an experiment with its own entries, or a file of entries"
    )
    asked = parser.parse_args(argv)
    try:
        # It imports torch, which --list does without.
        from labelbench_core.backbones.trying import try_out

        found = try_out(asked.check, entry_of(asked.check, asked.configfile))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(found.lines))
    return int(found.broken)


def entry_of(name: str, file: Path | None) -> dict[str, Any]:
    """The entry of an id: that of the file if it has one, else that of the catalogue.

    Raises
    ------
    InputError
        If there is none, or its options are not allowed.
    """
    known = {**read_yaml(CATALOGUE), **({} if file is None else _own_entries(file))}
    if name not in known:
        places = CATALOGUE.name if file is None else f"{file} and {CATALOGUE.name}"
        hint = did_you_mean(name, known)
        raise InputError(
            f"--check: {shown(name)} is not in {places}{hint}; allowed: {listed(sorted(known))}"
        )
    entry = dict(known[name])
    implementation = str(entry.get("implementation", ""))
    if own.is_own(implementation):
        entry["implementation"] = registry.use_own(implementation, (file or CATALOGUE).parent)
    given = registry.options_of(entry)
    if errors := registry.option_errors("backbones", entry["implementation"], given):
        raise InputError(f"{name}: {errors[0]}")
    return entry


def _own_entries(file: Path) -> Mapping[str, Any]:
    """The backbones of an experiment's `catalogue`, or of a file of entries by kind or by id."""
    try:
        content = read_yaml(file)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}; allowed: a YAML file") from error
    if isinstance(content, dict) and "experiment" in content:
        content = content.get("catalogue") or {"backbones": {}}
    found = content.get("catalogue", content) if isinstance(content, dict) else None
    found = found.get("backbones", found) if isinstance(found, dict) else None
    if not isinstance(found, dict):
        raise InputError(f"{file}: has no backbone entries; allowed: catalogue: {{backbones: …}}")
    return {key: one for key, one in found.items() if isinstance(one, dict)}


if __name__ == "__main__":
    sys.exit(main())
