"""Check whether the sources of prepared data sets changed, large ones included; one line each.

Changes are recorded, and the next run of snakemake prepares those data sets again.
"""

import argparse
import sys
from pathlib import Path

from labelbench_core.configuration.sources import since_prepared
from labelbench_core.datasets import data_directory
from labelbench_core.datasets.source_files import looks
from labelbench_core.errors import InputError
from labelbench_core.piping import CUT_SHORT, until_reader_leaves


def prepared_datasets(results: Path, names: list[str]) -> dict[str, Path]:
    """Data set → manifest, of all that are prepared or of `names`; `InputError` if one is not."""
    found = {path.parent.name: path for path in sorted(results.glob("datasets/*/manifest.json"))}
    if unknown := [name for name in names if name not in found]:
        raise InputError(
            f"data set {unknown[0]!r} is not prepared in {results}; allowed: "
            f"{', '.join(found) or 'none'}"
        )
    return {name: found[name] for name in names or found}


def line(finding: since_prepared.Finding) -> str:
    """A finding in words."""
    if finding.state == since_prepared.CHANGED:
        return f"changed: {finding.what}; the next run of snakemake prepares it again"
    if finding.state == since_prepared.OUT_OF_REACH:
        return f"out of reach ({finding.what}): what was prepared remains in use"
    if finding.state == since_prepared.UNKNOWN:
        return "has no source files to check"
    return f"{finding.count:,} files, none changed since it was prepared"


@until_reader_leaves(CUT_SHORT)
def main(argv: list[str] | None = None) -> int:
    """Print to standard output; the exit status: 0, or 2 if a source cannot be prepared again."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("datasets", nargs="*", help="ids; default: all prepared data sets")
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        help="folder of the results; default: results",
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=looks.STATE,
        help=f"folder that records when sources were checked; default: {looks.STATE}",
    )
    arguments = parser.parse_args(argv)
    status = 0
    try:
        manifests = prepared_datasets(arguments.results, arguments.datasets)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if not manifests:
        print(f"no data set is prepared in {arguments.results}")
    for dataset, manifest in manifests.items():
        try:
            finding = since_prepared.look_at(
                dataset,
                manifest,
                data_directory(),
                state=arguments.state,
                tell=lambda text: print(text, file=sys.stderr, flush=True),
            )
            print(f"{dataset}: {line(finding)}")
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            status = 2
    return status


if __name__ == "__main__":
    sys.exit(main())
