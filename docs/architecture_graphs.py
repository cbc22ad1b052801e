"""The graph of the stages and that of the packages, read from the rules and from the imports."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from labelbench_core import provenance
from labelbench_core.provenance import REMEMBERED
from labelbench_core.stages.table import STAGES, stage_of
from labelbench_core.storage.files import write_json

PROJECT = Path(__file__).resolve().parents[1]
LIBRARY = "labelbench_core"
Edges = frozenset[tuple[str, str]]

# An experiment with every stage, and a job for every input that a rule may have: proxies on views,
# on images and on refreshed embeddings, a proxy and a trainer that start from the class names, and
# an annotator that is not the exact one.
EXPERIMENT = """
experiment: architecture
datasets: [digits]
annotators: [uniform-10]
backbones: [clip-vit-b32]
proxies:
  [linear-flexmatch-digits, architecture-named, architecture-images, architecture-refreshed]
schedules: [start-20-batch-20]
strategies: [random, margin, architecture-again]
rounds: 3
seeds: 1
finetune: {trainers: [architecture-named], strategies: [margin], rounds: [2], seeds: 1}
ceilings: [look-ahead]
also: [{datasets: [architecture-other], strategies: [random, margin]}]
reference: cifar10-1000-linear
panels: [{title: one, dataset: digits, proxy: architecture-named}]
prices: {label: 1}
metrics: [accuracy, nll]
by_class: true
by_group: true
"""
LISTS = {"source": "digits", "num_rows": 1297, "lists": {"margin": {"0": list(range(1297))}}}
ENTRIES = {
    "datasets": """
architecture-other:
  implementation: digits
""",
    "strategies": """
architecture-again:
  implementation: replay
  options: {recorded: lists.json, strategy: margin}
""",
    "proxies": """
architecture-named:
  implementation: linear
  options: {start: zero-shot}
architecture-images:
  implementation: finetune
  options: {trainer: brief}
architecture-refreshed:
  implementation: blend
  options: {trainer: brief, refresh_every: 1}
""",
    "trainers": """
architecture-named:
  implementation: supervised
  training: {steps: 1, batch_size: 1, warmup_steps: 0, head: zero-shot}
""",
}


def stage_edges(python: str | Path = sys.executable) -> Edges:
    """(stage, stage that reads what it makes), as Snakemake plans them.

    From the rule graph of an experiment that has every stage, planned in a copy of the project
    whose catalogue has the entries that it takes. Rules that are one stage are one here.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name in ("Snakefile", "rules", "profiles", LIBRARY, "workflow_scripts"):
            os.symlink(PROJECT / name, f"{folder}/{name}")
        with contextlib.suppress(FileNotFoundError):
            shutil.copytree((PROJECT / REMEMBERED).parent, Path(folder, REMEMBERED).parent)
        shutil.copytree(PROJECT / "config", f"{folder}/config")
        for kind, text in ENTRIES.items():
            with open(f"{folder}/config/catalogue/{kind}.yaml", "a", encoding="utf-8") as file:
                file.write(text)
        Path(folder, "experiment.yaml").write_text(EXPERIMENT, encoding="utf-8")
        write_json(Path(folder, "lists.json"), LISTS)
        done = subprocess.run(
            [python, "-m", "snakemake", "--rulegraph", "--configfile", "experiment.yaml"],
            cwd=folder,
            env={**os.environ, "LABELBENCH_DATA": folder},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"snakemake --rulegraph failed:\n{done.stdout}{done.stderr}")
    return edges_of_rulegraph(done.stdout)


def edges_of_rulegraph(dot: str) -> Edges:
    """(stage, stage) of what `snakemake --rulegraph` prints; target rules are left out."""
    rules = dict(re.findall(r'^\s*(\d+)\[label = "(\w+)"', dot, re.MULTILINE))
    stages = {number: stage_of(rule) for number, rule in rules.items()}
    edges = set()
    for source, target in re.findall(r"^\s*(\d+) -> (\d+)", dot, re.MULTILINE):
        made, reads = stages[source], stages[target]
        if made is not None and reads is not None:
            edges.add((made.name, reads.name))
    absent = set(STAGES) - {stage for edge in edges for stage in edge}
    if absent:
        raise RuntimeError(f"stages that the rule graph lacks: {', '.join(sorted(absent))}")
    return frozenset(edges)


def package_edges() -> Edges:
    """(package, package that it imports) of the library; a module at its root counts as one.

    As in the contract of import-linter, what only type checkers import is left out.
    """
    library = PROJECT / LIBRARY
    names = {path.stem for path in library.iterdir() if path.suffix == ".py"} - {"__init__"}
    names |= {path.parent.name for path in library.glob("*/__init__.py")}
    edges = set()
    for path in library.rglob("*.py"):
        first = path.relative_to(library).with_suffix("").parts[0]
        module = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
        for name in provenance.mentioned(module.removesuffix(".__init__")):
            parts = name.split(".")
            if parts[0] == LIBRARY and len(parts) > 1 and parts[1] in names - {first}:
                edges.add((first, parts[1]))
    return frozenset(edges)


def layers() -> list[list[str]]:
    """The library's packages from the highest layer to the lowest, as the contract has them."""
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        one
        for one in settings["tool"]["importlinter"]["contracts"]
        if one.get("containers") == [LIBRARY]
    )
    return [layer.split(" | ") for layer in contract["layers"]]


def without_loops(edges: Edges, order: Sequence[str]) -> tuple[Edges, Edges]:
    """The edges without those that close a circle, and those.

    A circle is closed by the edge that leads back when it is walked from the node that stands
    first in `order`.
    """
    following = {node: [other for other in order if (node, other) in edges] for node in order}
    backward, state = set(), {}

    def visit(node: str) -> None:
        state[node] = "open"
        for target in following[node]:
            if state.get(target) == "open":
                backward.add((node, target))
            elif target not in state:
                visit(target)
        state[node] = "done"

    for node in order:
        if node not in state:
            visit(node)
    return edges - backward, frozenset(backward)


def reduced(edges: Edges) -> Edges:
    """The edges of a graph without circles but for those that follow from others."""
    following: dict[str, set[str]] = {}
    for source, target in edges:
        following.setdefault(source, set()).add(target)
    reached: dict[str, set[str]] = {}

    def reach(node: str) -> set[str]:
        if node not in reached:
            below = following.get(node, set())
            reached[node] = below.union(*map(reach, below))
        return reached[node]

    return frozenset(
        (source, target)
        for source, target in edges
        if not any(target in reach(other) for other in following[source] - {target})
    )
