"""A chain of rounds as the workflow runs it, a process each, and what every process takes."""

import json
import os
import re
import sys
import time
from pathlib import Path
from subprocess import CalledProcessError, Popen
from typing import Any, NamedTuple

from labelbench_core.configuration import entries
from labelbench_core.configuration.catalogue import load_catalogue
from labelbench_core.storage import files

PROJECT = Path(__file__).resolve().parents[1]
BLAS_THREADS = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Taken(NamedTuple):
    """What a process took: seconds of wall clock and CPU, and its largest resident set in MB."""

    wall: float
    cpu: float
    peak_mb: float


def timed(command: list[str], folder: Path) -> Taken:
    """Run a process to its end."""
    environment = {**os.environ, **BLAS_THREADS, "PYTHONPATH": str(PROJECT)}
    started = time.perf_counter()
    process = Popen(command, cwd=folder, env=environment)
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CalledProcessError(process.returncode, command)
    return Taken(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def proxy_entry(name: str, steps: int | None = None) -> dict[str, Any]:
    """The catalogue's entry as rounds get it; `steps` replace those of its trainer."""
    proxy = entries.entry(load_catalogue(PROJECT / "config/catalogue"), "proxies", name)
    if steps:
        proxy["options"]["trainer"]["training"]["steps"] = steps
    return proxy


class Chain:
    """One chain of rounds in a folder of its own.

    Parameters
    ----------
    setting
        `dataset`, `backbone` and `schedule` of the rounds' settings.
    manifests
        Manifests of the data set and of its embeddings.
    views
        Manifest of the views, for proxies that learn from unlabelled rows.
    """

    def __init__(
        self,
        folder: Path,
        setting: dict[str, Any],
        manifests: tuple[Path, Path],
        views: Path | None,
        strategy: str,
        proxy: dict[str, Any],
    ) -> None:
        folder.mkdir(parents=True)
        self.folder, self.inputs = folder, manifests
        self.views = ["--views", str(views)] if views else []
        component = {"id": strategy, "implementation": strategy}
        self.settings = {**setting, "seed": 0, "proxy": proxy, "strategy": component}
        self._script("draw_initial_pool", 0, "--output", "initial.json", embeddings=False)

    def run(self, number: int, threads: int = 1) -> Taken:
        """Run a round."""
        outputs = ["--record", f"{number}.json", "--arrays", f"{number}.npz"]
        outputs += ["--threads", str(threads), "--log", f"{number}.log"]
        if not number:
            return self._script("train_initial", 0, "--initial", "initial.json", *outputs)
        before = [f"--previous-record={number - 1}.json", f"--previous-arrays={number - 1}.npz"]
        return self._script("select_round", number, *before, *outputs)

    def phases(self, number: int) -> dict[str, float]:
        """Seconds of each phase of a round, from its log."""
        text = (self.folder / f"{number}.log").read_text()
        return {name: float(s) for name, s in re.findall(r"\d (\D+): ([\d.]+) s\n", text)}

    def accuracy(self, number: int) -> float:
        """Accuracy on the test split after a round."""
        return files.read_json(self.folder / f"{number}.json")["metrics"]["test"]["accuracy"]

    def _script(self, name: str, number: int, *arguments: str, embeddings: bool = True) -> Taken:
        command = [sys.executable, "-m", f"workflow_scripts.{name}", *arguments]
        settings = json.dumps({**self.settings, "round": number})
        command += ["--dataset", str(self.inputs[0]), "--settings", settings]
        if embeddings:
            command += ["--embeddings", str(self.inputs[1]), *self.views]
        return timed(command, self.folder)
