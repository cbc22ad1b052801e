"""How long all rounds of an experiment take, through Snakemake, and what its own share of that is.

    LABELBENCH_DATA=… python -m benchmarks.rounds [--configfile FILE] [--cores 2]

The data set and its embeddings are made first, and are not timed. CPU seconds are of all processes;
those of jobs are what Snakemake's benchmark files say, and the rest is Snakemake's: planning,
starting jobs, and what it does when they end. The machine should be idle otherwise.
"""

import argparse
import csv
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from subprocess import CalledProcessError, Popen

from benchmarks._chain import PROJECT

EXPERIMENT = PROJECT / "benchmarks" / "rounds_cifar10.yaml"
RULES = ("train_initial", "select_round", "draw_initial_pool")


def called(target: str, configfile: Path, cores: int) -> tuple[float, float]:
    """Seconds, and CPU seconds of all processes, of a call of Snakemake."""
    command = [sys.executable, "-m", "snakemake", target, "--cores", str(cores), "--quiet", "all"]
    started = time.perf_counter()
    process = Popen([*command, "--configfile", str(configfile)], cwd=PROJECT)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CalledProcessError(process.returncode, command)
    return time.perf_counter() - started, used.ru_utime + used.ru_stime


def jobs_since(moment: float) -> dict[str, list[float]]:
    """Strategy, or rule where there is none → CPU seconds of its jobs that ended since then."""
    found: dict[str, list[float]] = defaultdict(list)
    for rule in RULES:
        for path in sorted((PROJECT / "results" / "benchmarks" / rule).rglob("*.tsv")):
            if path.stat().st_mtime < moment:
                continue
            with open(path, newline="", encoding="utf-8") as handle:
                [row] = csv.DictReader(handle, delimiter="\t")
            name = path.parts[-3] if rule == "select_round" else rule
            found[name].append(float(row["cpu_time"]))
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configfile", type=Path, default=EXPERIMENT)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args(argv)
    called("embeddings", arguments.configfile, arguments.cores)
    moment = time.time()
    wall, cpu = called("selections", arguments.configfile, arguments.cores)
    jobs = jobs_since(moment)
    count, of_jobs = sum(map(len, jobs.values())), sum(map(sum, jobs.values()))
    if not count:
        sys.exit("nothing was run: all rounds are there already; remove them to time them")
    print(f"{count:,} jobs on {arguments.cores} cores: {wall / 60:.1f} min, {cpu:,.0f} CPU s")
    print(f"of jobs: {of_jobs:,.0f} CPU s; Snakemake's: {(cpu - of_jobs) / count:.3f} a job")
    for name, seconds in sorted(jobs.items(), key=lambda item: sum(item[1]) / len(item[1])):
        print(f"  {name:20s} {len(seconds):5d} jobs, {sum(seconds) / len(seconds):5.2f} CPU s each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
