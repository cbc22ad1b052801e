"""Pack the results of a finished experiment for others: a tar file to unpack in a clone.

    python -m workflow_scripts.archive_results OUT.tar.gz [--slim] [--configfile FILE]

Includes Snakemake's records of them, so that `snakemake --workflow-profile profiles/review -n` has
nothing to do there. A slim archive leaves out embeddings, views, refreshed embeddings and the
weights of networks, and lists them in results/reports/EXPERIMENT/left_out.json.

results/ in the archive is an RO-Crate (ro-crate-metadata.json), with CITATION.cff and the
environment; croissant.json describes its tables. Say who publishes it, where and under which
licence: `--creator NAME --url URL --license URL`.
"""

import argparse
import base64
import io
import json
import os
import shlex
import sys
import tarfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from labelbench_core.configuration.experiment import Experiment
from labelbench_core.datasets import DRAWN_FILE
from labelbench_core.errors import Damaged, InputError
from labelbench_core.stages.left_out import as_text, left_out, listing_of
from labelbench_core.stages.plan import PlannedJob
from labelbench_core.storage.files import atomic_path, canonical_json
from workflow_scripts import _noted_outputs
from workflow_scripts._bundle_metadata import CRATE, CROISSANT, ROOT, Origin, croissant, ro_crate
from workflow_scripts._commit import commit
from workflow_scripts._experiment import (
    PROJECT,
    Snakemake,
    command_parser,
    experiment_of,
    missing_of,
    planned_rules,
    run_command,
)

MODES: dict[str, Literal["w:", "w:gz", "w:xz"]] = {
    ".tar": "w:",
    ".tar.gz": "w:gz",
    ".tgz": "w:gz",
    ".tar.xz": "w:xz",
}
"""How an archive is compressed, by the end of its name."""
DESCRIBING = ("CITATION.cff", "environment.yml", "requirements.lock")
"""Files of this project that are packed beside the results, where they are there."""


def archive_results(arguments: argparse.Namespace, options: list[str]) -> None:
    if arguments.archive is None:
        raise InputError(
            "no archive file was given; put it first, because --configfile takes every argument "
            "after it: archive_results OUT.tar.gz --configfile FILE"
        )
    experiment, jobs = experiment_of(arguments.configfile, arguments.config)
    name = experiment.experiment
    mode = _mode(arguments.archive)
    absent = left_out(name)
    missing = [path for job in jobs for path in missing_of(job, absent)]
    if missing:
        raise InputError(
            f"{missing[0]}: missing ({len(missing)} in all): only a finished experiment can be "
            "packed; run snakemake first"
        )
    review = ("--workflow-profile", str(PROJECT / "profiles" / "review"))
    plan = Snakemake(arguments.configfile, arguments.config, arguments.cores, options).left_to_do(
        *review
    )
    if plan is not None:
        rules = ", ".join(planned_rules(plan))
        raise InputError(f"results are not up to date; run snakemake first. It would run {rules}")
    outputs = [one for job in jobs for one in job.outputs]
    large = {one.path for one in outputs if not one.output.in_slim_archive}
    without = absent | (large if arguments.slim else set())
    paths = [one.path for one in outputs if one.path not in without]
    differing = _noted_outputs.differing(paths)
    if differing:
        told = f"changed since it was made ({len(differing)} of {len(paths)} results)"
        # This command makes nothing again.
        cure = "delete it and run snakemake, which makes it again"
        raise Damaged(differing[0], f"{told}: damaged or edited", cure)
    paths += [str(path) for path in (*_benchmarks(jobs), *_drawn(jobs)) if path.is_file()]
    wanted = set(paths) | without
    notes = {path: one for path, one in _noted_outputs.read_notes().items() if path in wanted}
    with (
        atomic_path(arguments.archive) as aside,
        tarfile.open(aside, mode) as archive,
    ):
        for path in sorted(paths):
            archive.add(path, filter=_without_owner_and_state)
        for path in sorted(_metadata(one.path for one in outputs)):
            archive.add(path, filter=_without_owner_and_state)
        _add_text(archive, str(_noted_outputs.NOTES), canonical_json(notes))
        for path, text in _described(experiment, paths, without, arguments).items():
            _add_text(archive, path, text)
    size = os.path.getsize(arguments.archive) / 1e6
    left = f"; left out: {len(without)}, listed in {listing_of(name)}" if without else ""
    print(f"{arguments.archive}: {len(paths)} results, {size:,.1f} MB{left}")


def _described(
    experiment: Experiment, paths: list[str], without: Iterable[str], arguments: argparse.Namespace
) -> dict[str, str]:
    """Texts that are in the archive only: path → content."""
    origin = Origin(
        creators=arguments.creator,
        license=arguments.license or "",
        version=_version(),
        commit=commit(),
        command=_command(arguments),
        url=arguments.url or "",
    )
    texts = {
        (ROOT / name).as_posix(): (PROJECT / name).read_text("utf-8")
        for name in DESCRIBING
        if (PROJECT / name).is_file()
    }
    if without:
        texts[str(listing_of(experiment.experiment))] = as_text(without)
    tables = [path for path in paths if path.endswith(".csv")]
    texts[str(CROISSANT)] = _json(croissant(experiment, tables, origin))
    texts[str(CRATE)] = _json(ro_crate(experiment, paths, texts, origin))
    return texts


def _version() -> str:
    """Version of this software; empty where only a part of the project was copied."""
    path = PROJECT / "pyproject.toml"
    return tomllib.loads(path.read_text("utf-8"))["project"]["version"] if path.is_file() else ""


def _command(arguments: argparse.Namespace) -> str:
    """The command that makes what is packed."""
    parts = ["snakemake", "--cores", "all"]
    if arguments.configfile:
        parts += ["--configfile", *map(str, arguments.configfile)]
    if arguments.config:
        parts += ["--config", *arguments.config]
    return shlex.join(parts)


def _json(content: dict) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _mode(archive: Path) -> Literal["w:", "w:gz", "w:xz"]:
    """An archive's compression, from its name; `InputError` if the name does not say."""
    for suffix, mode in MODES.items():
        if archive.name.endswith(suffix):
            return mode
    raise InputError(f"{archive}; allowed: a name that ends in {', '.join(MODES)}")


def _benchmarks(jobs: Iterable[PlannedJob]) -> Iterable[Path]:
    """The benchmark files that the table of costs is made from."""
    return (Path(job.stage.benchmark.format_map(job.ids)) for job in jobs)


def _drawn(jobs: Iterable[PlannedJob]) -> Iterable[Path]:
    """What is remembered of splits that were drawn, so that no image moves when others come."""
    for job in jobs:
        if job.stage.name == "prepare_dataset":
            yield Path(job.stage.path("manifest").format_map(job.ids)).with_name(DRAWN_FILE)


def _metadata(outputs: Iterable[str]) -> Iterable[str]:
    """Snakemake's records of `outputs`: the name of each is the output's path in base 64."""
    folder = Path(".snakemake/metadata")
    longest = os.pathconf(folder, "PC_NAME_MAX") - 1
    for output in outputs:
        name = base64.urlsafe_b64encode(output.encode()).decode()
        parts = [name[place : place + longest] for place in range(0, len(name), longest)]
        path = folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
        if not path.is_file():
            raise InputError(
                f"{path}: Snakemake has no record of {output}: without it, others cannot see what "
                "an edit affects; delete the output, restore it and pack again"
            )
        yield str(path)


def _without_owner_and_state(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """An entry without what concerns this machine; it keeps its time, which Snakemake compares."""
    if Path(entry.name).name.startswith("."):
        return None
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    """Add a file that exists in the archive only."""
    content = text.encode()
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def main(argv: list[str] | None = None) -> int:
    parser = command_parser(__doc__)
    allowed = ", ".join(MODES)
    parser.add_argument("archive", type=Path, nargs="?", help=f"file to write: {allowed}")
    slim = "leave out embeddings, views, refreshed embeddings and weights"
    parser.add_argument("--slim", action="store_true", help=slim)
    creator = "who publishes these results; may be given several times"
    parser.add_argument("--creator", action="append", default=[], metavar="NAME", help=creator)
    terms = "address of the licence of these results, such as that of CC BY 4.0"
    parser.add_argument("--license", metavar="URL", help=terms)
    parser.add_argument("--url", metavar="URL", help="address at which these results can be found")
    return run_command(archive_results, *parser.parse_known_args(argv))


if __name__ == "__main__":
    sys.exit(main())
