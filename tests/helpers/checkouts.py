"""Copies of the project in which the workflow is run for real, on small real data."""

import atexit
import compileall
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from labelbench_core.provenance import REMEMBERED

from . import forked_jobs
from .project import PROJECT

CODE = ("Snakefile", "rules", "config", "profiles", "labelbench_core", "workflow_scripts")

SMOKE = """
experiment: smoke
datasets: [digits]
backbones: [tiny]
proxies: [linear]
schedules: [small]
strategies: [random, margin, badge]
rounds: 3
seeds: 2
by_class: true
finetune:
  trainers: [tiny]
  strategies: [random, margin]
  rounds: [2]
  seeds: 1
"""
MINE = """
experiment: mine
datasets: [mine]
backbones: [tiny]
proxies: [linear]
schedules: [few]
strategies: [random, margin]
rounds: 2
seeds: 1
"""
"""Of one's own images, which a test adds to the catalogue with the schedule `few`."""
CATALOGUE = {
    "backbones": """
tiny:
  implementation: efficientnet-lite
  options: {input_size: 32}
""",
    "schedules": """
small:
  initial: 20
  batch: 20
""",
    "trainers": """
tiny:
  implementation: supervised
  training: {steps: 6, batch_size: 8, warmup_steps: 2}
""",
}
AS_MAIN = "runpy.run_module('snakemake', None, '__main__', True)"
ANALYSIS = {
    "collect_curves": 1,
    "collect_costs": 1,
    "list_bought": 1,
    "tabulate": 1,
    "plot_label_efficiency": 1,
    "plot_label_savings": 1,
    "plot_finetuning": 1,
    "plot_costs": 1,
    "render_report": 1,
}
"""Jobs per rule of the analysis of the small experiment."""


@dataclass
class Workflow:
    """A checkout to run Snakemake in."""

    folder: Path

    def snakemake(self, *arguments, check=True, config="smoke.yaml", **environment):
        """Run Snakemake; what it printed, both streams together."""
        asked = self._asked(arguments, config)
        status, text = forked_jobs.snakemake(asked, self.folder, {**os.environ, **environment})
        if check and status:
            pytest.fail(f"snakemake failed:\n{text}")
        return text

    def command(self, *arguments, config="smoke.yaml"):
        """The same as a command for a process of its own, which may be killed, as may its jobs."""
        program = f"import runpy, sys; sys.executable = {str(forked_jobs.python())!r}; {AS_MAIN}"
        return [sys.executable, "-c", program, *self._asked(arguments, config)]

    @staticmethod
    def _asked(arguments, config):
        chosen = ["--configfile", config] if config else []
        return [*chosen, "--cores", "2", *arguments]

    def tell(self, script, *arguments, config="smoke.yaml", status=0):
        """What a command of the project says, both streams together; it must end with `status`."""
        asked = [f"workflow_scripts.{script}", *arguments, "--configfile", config]
        done = subprocess.run(
            [forked_jobs.python(), "-m", *map(str, asked)],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout
        return done.stdout

    def planned(self, *arguments, **options):
        """Number of jobs per rule that a dry run plans; empty if there is nothing to be done."""
        return jobs_in(self.snakemake("-n", *arguments, **options))

    def edit(self, file, old, new):
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new))

    def append(self, file, text):
        path = self.folder / file
        path.write_text(path.read_text() + text)

    def results(self):
        """Content of all results whose bytes must be equal for equal settings."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted((self.folder / "results").rglob("*"))
            if path.is_file() and comparable(path)
        }


def jobs_in(text):
    """Number of jobs per rule in what a dry run printed; empty if there is nothing to be done."""
    if "Nothing to be done" in text:
        return {}
    table = text[text.index("Job stats:") :].splitlines()[3:]
    counts = dict(line.split() for line in table[: table.index("")])
    return {rule: int(count) for rule, count in counts.items() if rule not in ("total", "all")}


def comparable(path):
    """All but logs, benchmarks, timings, the cost part of the report, and machine state."""
    parts = path.parts
    return not (
        "logs" in parts
        or "benchmarks" in parts
        or path.name.startswith((".", "costs.", "proxy_savings."))
        or path.parent.name.startswith(".")
        or path.name == "report.html"
    )


KNOW = """
import sys
from labelbench_core import provenance
from labelbench_core.report import charts, vega
provenance.remember(save=True)
for module in sys.argv[1:]:
    provenance.module_hash(module)
provenance.REMEMBERED.parent.mkdir(parents=True, exist_ok=True)
charts.chart_specs()
vega.vega_bundle()
"""


@functools.cache
def know_the_code():
    """Find out once what a machine remembers of the code, and no more in each checkout."""
    modules = [
        ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")
        for folder in ("labelbench_core", "workflow_scripts")
        for path in (PROJECT / folder).rglob("*.py")
    ]
    subprocess.run([sys.executable, "-c", KNOW, *modules], cwd=PROJECT, check=True)


@functools.cache
def compiled():
    """A folder with the code and its bytecode; copied with their times, both stay valid."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in CODE:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(
                source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.lock")
            )
        else:
            shutil.copy2(source, folder / name)
    compileall.compile_dir(folder, quiet=2)
    know_the_code()
    (folder / REMEMBERED).parent.mkdir(parents=True)
    for name in (REMEMBERED.name, "charts.js", "vega.js"):
        shutil.copy2((PROJECT / REMEMBERED).with_name(name), (folder / REMEMBERED).with_name(name))
    return folder


def checkout(folder):
    """Copy the code, with the small experiment's entries in its catalogue."""
    shutil.copytree(compiled(), folder)
    workflow = Workflow(folder)
    for kind, entries in CATALOGUE.items():
        workflow.append(f"config/catalogue/{kind}.yaml", entries)
    # Few images: what takes time here is to start processes.
    workflow.edit("config/catalogue/datasets.yaml", "\ndigits:", "\ndigits:\n  pool_size: 300")
    (folder / "smoke.yaml").write_text(SMOKE)
    return workflow


def failing(workflow, *arguments, **options):
    """What Snakemake prints when it stops; it must stop."""
    text = workflow.snakemake(*arguments, check=False, **options)
    assert "Nothing to be done" not in text
    assert "steps (100%) done" not in text
    return text
