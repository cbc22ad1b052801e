"""How long it takes to see that nothing is to be done, of 18,000 jobs.

    python -m benchmarks.planning

Plans an experiment on faked results (every file there, up to date, with Snakemake's records): for
`all`, which asks for every output of every job, and for the page of the report alone, which is the
baseline: it asks for one file, and calls results finished in which others are missing. Both are
planned in turn, in processes of their own. Counted are their CPU seconds, which other load on the
machine lengthens less than the time that passes; the ratio is that of the smallest of each.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from labelbench_core.configuration import entries
from labelbench_core.configuration import loading as experiments
from labelbench_core.configuration.catalogue import load_catalogue, read_yaml
from labelbench_core.stages import report_files
from labelbench_core.stages.plan import Needs, planned_outputs
from labelbench_core.stages.table import FOLDER

PROJECT = Path(__file__).resolve().parents[1]
CODE = ("Snakefile", "rules", "config", "profiles", "labelbench_core", "workflow_scripts")
EXPERIMENT = """
experiment: planning
datasets: [digits]
backbones: [efficientnet-lite0-64]
proxies: [linear]
schedules: [planning]
strategies: [random, margin, entropy, confidence, coreset, badge, typiclust, bait, galaxy]
rounds: {rounds}
seeds: {seeds}
finetune: {{trainers: [brief], strategies: [random, margin], rounds: [1], seeds: 5}}
"""
CATALOGUE = {
    "schedules": "planning: {initial: 10, batch: 1}\n",
}
EMPTY = {"splits": {"pool": {"num_rows": 5000}, "test": {"num_rows": 100}}}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=90)
    parser.add_argument("--seeds", type=int, default=22)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--folder", type=Path, help="folder to keep and use again; default: temporary"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        if not (folder / "planning.yaml").exists():
            prepare(folder, arguments.rounds, arguments.seeds)
        page = report_files.PAGE.format(experiment="planning")
        seconds = {"all": [], page: []}
        for _ in range(arguments.repeats):
            for target in seconds:
                seconds[target].append(planned_nothing(folder, target))
    fastest = {target: min(found) for target, found in seconds.items()}
    for target, found in fastest.items():
        print(f"{target:40s} {found:6.1f} CPU s")
    print(f"ratio {fastest['all'] / fastest[page]:.2f}")


def prepare(folder: Path, rounds: int, seeds: int) -> None:
    """A checkout with the experiment, finished as far as Snakemake can see."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in CODE:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy2
        copy(PROJECT / name, folder / name)
    for kind, text in CATALOGUE.items():
        file = folder / "config" / "catalogue" / f"{kind}.yaml"
        file.write_text(f"{file.read_text()}\n{text}")
    text = EXPERIMENT.format(rounds=rounds, seeds=seeds)
    (folder / "planning.yaml").write_text(text)
    catalogue = load_catalogue(folder / "config" / "catalogue")
    experiment = experiments.load_experiment(
        read_yaml(folder / "planning.yaml"),
        catalogue,
        folder / "config" / "schema",
        "planning.yaml",
    )
    outputs = list(
        planned_outputs(experiment, Needs.from_values(entries.needs(experiment, catalogue)))
    )
    print(f"{len(outputs):,} files and folders", flush=True)
    paths = [folder / one.path for one in outputs]
    for one, path in zip(outputs, paths, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        if one.output.kind == FOLDER:
            path.mkdir(parents=True)
            path = path / ".snakemake_timestamp"
        path.write_text(json.dumps(EMPTY) if path.name == "manifest.json" else "{}")
    now = time.time_ns()
    for path in paths:
        os.utime(path, ns=(now, now))
    recording = PROJECT / "benchmarks" / "_recording.py"
    subprocess.run([sys.executable, recording, "planning.yaml"], cwd=folder, check=True)


def planned_nothing(folder: Path, target: str) -> float:
    """CPU seconds of a dry run that finds nothing to be done."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = snakemake(folder, "-n", target)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if "Nothing to be done" not in text:
        sys.exit(text[-3000:])
    return seconds


def snakemake(folder: Path, *arguments: str) -> str:
    """What Snakemake prints."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--configfile", "planning.yaml"]
    done = subprocess.run(
        [*command, "--cores", "2", "--quiet"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stdout[-3000:])
    return done.stdout


if __name__ == "__main__":
    main()
