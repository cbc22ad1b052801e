"""Kill the workflow again and again, at random moments of every stage, and let it end.

    python -m tests.helpers.kills [--count 30] [--seed 0]

An experiment with a job of every stage runs once undisturbed. In a second checkout it is killed
`count` times: after a random job of a stage has started, and a random share of the time that this
stage takes, the jobs, Snakemake, or all of it get SIGKILL. The stages come in turn, each at least
once; where nothing is left for a stage to do, the outputs of one of its jobs are taken away. Then
the same command is run to its end: all results must have the bytes of the undisturbed run.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import open_clip
import torch
import yaml

from labelbench_core.configuration.entries import needs
from labelbench_core.configuration.inheritance import asked
from labelbench_core.stages.plan import Needs, planned_jobs
from labelbench_core.stages.table import STAGES
from workflow_scripts._snakefile import load

from .checkouts import Workflow, checkout
from .proxy_entries import CATALOGUE, NAMES_CATALOGUE
from .running_jobs import LOOK, jobs_of

CONFIG = "killed.yaml"
EXPERIMENT = """
experiment: killed
datasets: [digits]
backbones: [clip]
proxies: [{proxies}]
schedules: [small]
strategies: [margin]
rounds: 3
seeds: 1
baseline: margin
finetune:
  trainers: [fresh]
  strategies: [margin]
  rounds: [2]
  seeds: 1
"""
PROXIES = ("pulled", "views", "images", "refreshed")
"""Together they have a job of every stage."""
VICTIMS = ("jobs", "Snakemake", "all")
HUNG = 1200
"""Seconds after which a call of Snakemake is taken to hang."""


@dataclass(frozen=True)
class Kill:
    """What was killed when.

    Attributes
    ----------
    stage, victim
        Where, and what of it.
    delay
        Seconds after a job of the stage was seen.
    alive
        Whether a job of the stage was still running then.
    """

    stage: str
    victim: str
    delay: float
    alive: bool

    def __str__(self) -> str:
        state = "in the middle" if self.alive else "after its end"
        return f"{self.stage:<22} {self.victim:<10} {self.delay:6.2f} s  {state}"


def prepare(folder: Path, network: Path, proxies: Sequence[str]) -> Workflow:
    """A checkout with the experiment; `network` holds weights of OpenCLIP's smallest network."""
    workflow = checkout(folder)
    for entries in (CATALOGUE, NAMES_CATALOGUE):
        for kind, text in entries.items():
            workflow.append(f"config/catalogue/{kind}.yaml", text)
    workflow.edit("config/catalogue/datasets.yaml", "\ndigits:", "\ndigits:\n  prompts: ['a {}.']")
    shutil.copy2(network, folder / "clip.pt")
    (folder / CONFIG).write_text(EXPERIMENT.format(proxies=", ".join(proxies)))
    return workflow


def write_network(path: Path) -> None:
    """Random weights, the same for every checkout."""
    torch.manual_seed(0)
    network = open_clip.create_model("ViT-S-32-alt", force_image_size=32)
    torch.save(network.half().state_dict(), path)


def jobs_of_experiment(workflow: Workflow) -> dict[str, list[list[Path]]]:
    """Stage → the outputs of each of its jobs."""
    content = yaml.safe_load((workflow.folder / CONFIG).read_text())
    experiment, catalogue = load(asked(content, str(CONFIG)), workflow.folder)
    found: dict[str, list[list[Path]]] = {name: [] for name in STAGES}
    for job in planned_jobs(experiment, Needs.from_values(needs(experiment, catalogue))):
        found[job.stage.name].append([workflow.folder / output.path for output in job.outputs])
    return found


def remove(outputs: list[Path]) -> None:
    for path in outputs:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def seconds_of(workflow: Workflow, stage: str) -> float:
    """The shortest time that a job of a stage took: most kills come before its end then."""
    files = (workflow.folder / "results/benchmarks").rglob("*.tsv")
    times = [
        float(path.read_text().splitlines()[1].split("\t")[0])
        for path in files
        if stage in path.relative_to(workflow.folder / "results/benchmarks").with_suffix("").parts
    ]
    return min(times)


def descendants(pid: int) -> Iterator[int]:
    """Process ids of all that a process has started, and so on."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in path.read_text().split()]
        except OSError:
            continue  # it has ended meanwhile
        for child in children:
            yield child
            yield from descendants(child)


def kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_once(
    workflow: Workflow, stage: str, victim: str, seconds: float, draw: random.Random
) -> Kill | None:
    """Run until a job of a stage has started, wait a random time, and kill.

    Returns
    -------
    What was killed; None if Snakemake ended well before a job of the stage was seen.
    """
    running = subprocess.Popen(
        workflow.command(config=CONFIG),
        cwd=workflow.folder,
        env={**os.environ, "LABELBENCH_CHECKPOINT_SECONDS": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    awaited, seen = draw.randint(1, 3), set()
    deadline = time.monotonic() + HUNG
    while True:
        now = jobs_of(workflow.folder, stage)
        seen.update(now)
        if len(seen) >= awaited or (seen and not now):
            break
        if running.poll() is not None:
            text = running.communicate()[0]
            assert running.returncode == 0, text
            return None
        assert time.monotonic() < deadline, f"{stage} never ran"
        time.sleep(LOOK)
    delay = draw.uniform(0, seconds)
    time.sleep(delay)
    jobs = jobs_of(workflow.folder, stage)
    if victim == "jobs":
        kill(list(descendants(running.pid)))
    elif victim == "Snakemake":
        running.kill()
    else:
        os.kill(running.pid, signal.SIGSTOP)  # or it starts another meanwhile
        kill([*descendants(running.pid), running.pid])
    running.communicate(timeout=HUNG)
    return Kill(stage, victim, delay, alive=bool(jobs))


def stages_in_turn(names: Sequence[str], count: int, draw: random.Random) -> list[tuple[str, str]]:
    """Stages and victims of `count` kills, in the order of the stages."""
    chosen = [*names, *draw.choices(names, k=max(0, count - len(names)))]
    if count < len(names):
        chosen = draw.sample(names, k=count)
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(count)]
    draw.shuffle(victims)
    return list(zip(sorted(chosen, key=names.index), victims, strict=True))


def kill_and_compare(
    folder: Path, count: int, seed: int, proxies: Sequence[str] = PROXIES
) -> list[Kill]:
    """Run undisturbed, run with `count` kills, compare.

    Raises
    ------
    AssertionError
        If results differ, if something is left to be done or left lying about.
    """
    draw = random.Random(seed)
    write_network(folder / "clip.pt")
    undisturbed = prepare(folder / "undisturbed", folder / "clip.pt", proxies)
    undisturbed.snakemake(config=CONFIG)
    expected = undisturbed.results()

    killed = prepare(folder / "killed", folder / "clip.pt", proxies)
    jobs = jobs_of_experiment(killed)
    kills: list[Kill] = []
    stages = [stage for stage, of_stage in jobs.items() if of_stage]
    for stage, victim in stages_in_turn(stages, count, draw):
        seconds = seconds_of(undisturbed, stage)
        while True:
            if all(path.exists() for outputs in jobs[stage] for path in outputs):
                remove(draw.choice(jobs[stage]))
            done = kill_once(killed, stage, victim, seconds, draw)
            if done is not None:
                break
        kills.append(done)
        print(f"{len(kills):3} {done}", flush=True)
    killed.snakemake(config=CONFIG)

    found = killed.results()
    assert sorted(found) == sorted(expected)
    assert [name for name in expected if found[name] != expected[name]] == []
    assert killed.planned(config=CONFIG) == {}
    left = [
        path
        for pattern in ("*.partial", "*.lock", "*.tmp")
        for path in (killed.folder / "results").rglob(pattern)
    ]
    assert left == []
    print(f"{count} kills: {len(expected)} files, all byte-identical to those of the other run")
    return kills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=30, help="number of kills (default 30)")
    parser.add_argument("--seed", type=int, default=0, help="of stages, victims and moments")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kill_and_compare(Path(folder), arguments.count, arguments.seed)


if __name__ == "__main__":
    main()
