"""Damaged configurations: each gives a clear error or a valid plan, never a traceback.

`python -m benchmarks.configurations --count 100000` damages experiments, files of the catalogue and
options of components, as text and as values, and reads each as the Snakefile does. Cases that are
neither planned nor refused in short lines are printed with their numbers; `--only` repeats one.
"""

import argparse
import collections
import copy
import itertools
import json
import random
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

import yaml

from labelbench_core import registry
from labelbench_core.configuration import entries
from labelbench_core.configuration import loading as experiments
from labelbench_core.configuration.catalogue import (
    COMPONENT_KINDS,
    KINDS,
    kind_errors,
    load_catalogue,
)
from labelbench_core.configuration.compatibility.component_code import check_code
from labelbench_core.errors import MOST_LINES, InputError, raise_all
from labelbench_core.storage.yaml_files import parse_yaml, read_yaml
from workflow_scripts import _snakefile as parsing

CONFIG = registry.PROJECT / "config"
SCHEMAS = CONFIG / "schema"
LONGEST_LINE = 2500
DUMPER = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
MOST_PLANNED = 20_000  # rounds that are gone through

NASTY: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3.0, 0.5, -0.0, 1e300, -1e300, 1e-320, float("nan"),
    float("inf"), 10**12, 10**30, 2**63, "", " ", "a", "margin", "-", "a" * 101, "a" * 5000, "\n",
    "a\n", "\u2028", "\x1b[2J", "\u202e", "ä", "🐍", "{}", "{x} {}", "../..", "/", "1.0", "null",
    "zeroo", [], [[]], [None], ["a", "a"], ["margin", "margin"], [0, 1.0], [1, True], ["random"],
    [2.0], {}, {"": 1}, {"a": None}, {"implementation": "margin"}, {"options": {}},
    list(range(300)), "digits", "linear", "full-data", "look-ahead", "held-out", "extra", "all",
    {"trainers": ["brief"]}, ["tailor"], ["refine"], "blend",
)  # fmt: skip
KEYS = (None, True, 5, 1.5, "", "\n", "a" * 101, "options", "training", "also", "x", "A", "rounds")
TOKENS = (
    "\t", "\r", "\x00", "\x07", "\xa0", "\ufeff", ":", "- ", "[", "]", "{", "}", "&a ", "*a",
    "!!timestamp ", "!!int ", "!!set ", "!!python/object:os.system ", "<<: ", "? ", "| ", "> ",
    "%YAML 1.3\n", "---\n", "...\n", "#", "'", '"', "\\", "@", "`", "010", "1:30", "1_000", ".inf",
    ".nan", "~", "yes", "0x1F", "9" * 5000, "[" * 60, "a: " * 50, "=", "2020-01-01", "\ud7ff", "é",
    "\u2029", "&a [*a]", "1e5", "\n",
)  # fmt: skip


class Case:
    """One damaged configuration, a function of its number."""

    def __init__(self, number: int, folder: Path, base: dict[str, Any]) -> None:
        self.rng = random.Random(number)
        self.file = folder / "damaged.yaml"
        self.base = base

    def run(self) -> Any:
        """Read it; what is planned. Raises what the Snakefile would raise."""
        kind = self.rng.choice(["experiment", "experiment", "catalogue", "options"])
        if kind == "experiment":
            name = self.rng.choice(sorted(self.base["experiments"]))
            self.write(self.base["experiments"][name])
            return self.planned(read_yaml(self.file), self.base["catalogue"])
        part = self.rng.choice(KINDS if kind == "catalogue" else COMPONENT_KINDS)
        if kind == "catalogue":
            self.write((CONFIG / "catalogue" / f"{part}.yaml").read_text(encoding="utf-8"))
        else:
            text = yaml.dump(self.entries(part), Dumper=DUMPER)
            self.file.write_text(text, encoding="utf-8")
        found = read_yaml(self.file) or {}
        raise_all(kind_errors(part, found, SCHEMAS / "catalogue.schema.json", self.file))
        catalogue = {**self.base["catalogue"], part: found}
        names = sorted(self.base["experiments"])
        told: list[InputError] = []
        for name in names:  # those that do not name what is missing now have to load
            content = copy.deepcopy(self.base["contents"][name])
            try:
                self.planned(self.using(content, part, found), catalogue)
            except InputError as error:
                told.append(error)
        if len(told) == len(names):
            raise told[0]
        return catalogue

    def entries(self, part: str) -> dict[str, Any]:
        """The catalogue's own entries, and one whose options are damaged."""
        name = self.rng.choice(registry.names(part))
        options = registry.describe(part, name).options
        entry: dict[str, Any] = {"implementation": name}
        if options:
            chosen = self.rng.sample(sorted(options), self.rng.randint(1, min(3, len(options))))
            entry["options"] = {one: self.value(options[one]) for one in chosen}
        if part == "trainers":
            from labelbench_core.training.recipe import Recipe

            fields = vars(Recipe())
            chosen = self.rng.sample(sorted(fields), 3)
            entry["training"] = {one: self.value(fields[one]) for one in chosen}
        return {**self.base["catalogue"][part], "damaged": entry}

    def using(self, content: dict[str, Any], part: str, found: dict[str, Any]) -> dict[str, Any]:
        """An experiment that names the damaged entry."""
        if part in content and "damaged" in found:
            content[part] = [*content[part], "damaged"]
        if part == "trainers" and content.get("finetune") and "damaged" in found:
            content["finetune"]["trainers"] = ["damaged"]
        return content

    def planned(self, content: Any, catalogue: dict[str, Any]) -> Any:
        """All that is done with an experiment before Snakemake plans."""
        experiment = experiments.load_experiment(content, catalogue, SCHEMAS, str(self.file))
        check_code(experiment, catalogue, str(self.file))
        splits = {"pool": 50_000, "test": 500}
        prepared = {
            name: splits for name in experiment.all_of("datasets") if self.rng.random() < 0.8
        }
        data = self.file.parent / "data"
        experiments.check_sources(experiment, catalogue, data, prepared, str(self.file))
        json.dumps(parsing.configuration(experiment, catalogue), sort_keys=True)
        entries.needs(experiment, catalogue)
        entries.pattern(catalogue, needs_torch=True)
        for _ in itertools.islice(experiment.selections(), MOST_PLANNED):
            pass
        for _ in itertools.islice(experiment.finetunings(), MOST_PLANNED):
            pass
        return experiment

    def write(self, text: str) -> None:
        """Write a text damaged in one to three places, as values or as bytes."""
        if self.rng.random() < 0.5:
            content = parse_yaml(text, self.file)
            for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
                content = self.damaged(content)
            style = self.rng.choice([None, True, False])
            text = yaml.dump(content, Dumper=DUMPER, default_flow_style=style, allow_unicode=True)
            self.file.write_text(text, encoding="utf-8", errors="surrogatepass")
            return
        for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
            text = self.damaged_text(text)
        encoding = self.rng.choice(["utf-8"] * 12 + ["latin-1", "utf-16", "utf-32", "cp1252"])
        raw = bytearray(text.encode(encoding, errors="replace"))
        if self.rng.random() < 0.1 and raw:
            raw[self.rng.randrange(len(raw))] = self.rng.randrange(256)
        self.file.write_bytes(bytes(raw))

    def damaged_text(self, text: str) -> str:
        """A text with one thing wrong in it."""
        place, other = sorted(self.rng.randrange(len(text) + 1) for _ in range(2))
        lines = text.splitlines(keepends=True) or [""]
        kind = self.rng.randrange(7)
        if kind == 0:
            return text[:place] + self.rng.choice(TOKENS) + text[place:]
        if kind == 1:
            return text[:place] + text[min(other, place + 40) :]
        if kind == 2:
            return text[:place]
        if kind == 3:
            lines.insert(self.rng.randrange(len(lines) + 1), self.rng.choice(lines))
        elif kind == 4:
            del lines[self.rng.randrange(len(lines))]
        elif kind == 5:
            line = self.rng.randrange(len(lines))
            lines[line] = " " * self.rng.randint(1, 4) + lines[line]
        else:
            line = self.rng.randrange(len(lines))
            key, colon, _ = lines[line].partition(":")
            lines[line] = f"{key}{colon} {self.rng.choice(TOKENS)}{self.rng.choice(TOKENS)}\n"
        return "".join(lines)

    def damaged(self, content: Any) -> Any:
        """A copy of a tree of values with one thing wrong in it."""
        content = copy.deepcopy(content)
        places = list(_places(content))
        if not places:
            return self.value(content)
        holder, key = self.rng.choice(places)
        kind = self.rng.randrange(4)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, dict):
            holder[self.rng.choice(KEYS)] = holder.pop(key)
        elif kind == 2 and isinstance(holder, list):
            holder.append(self.value(holder[key]))
        else:
            holder[key] = self.value(holder[key])
        return content

    def value(self, old: Any) -> Any:
        """Another value in the place of `old`."""
        kind = self.rng.randrange(6)
        if kind == 0 and isinstance(old, (int, float)):
            return old * self.rng.choice([-1, 0, 0.5, 2, 1.0, 1e6])
        if kind == 1 and isinstance(old, str) and old:
            return old[:-1] + self.rng.choice("xyz-\n")
        if kind == 2:
            return [old]
        if kind == 3 and isinstance(old, (list, tuple)) and old:
            return old[0]
        return copy.deepcopy(self.rng.choice(NASTY))


def _places(content: Any) -> Any:
    """(mapping or list, key or place) of every value in a tree."""
    if not isinstance(content, (dict, list)):
        return
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield content, key
        yield from _places(value)


def outcome(number: int, folder: Path, base: dict[str, Any]) -> tuple[str, str]:
    """("planned" | "refused" | "unclear" | "crashed", what was said) of a case."""
    try:
        Case(number, folder, base).run()
    except InputError as error:
        return ("refused" if is_clear(str(error)) else "unclear"), str(error)
    except Exception:
        return "crashed", traceback.format_exc(limit=-4)
    return "planned", ""


def is_clear(message: str) -> bool:
    """Whether a message is some short lines that any terminal can show."""
    lines = message.split("\n")
    return len(lines) <= MOST_LINES + 1 and all(
        0 < len(line) <= LONGEST_LINE and line.isprintable() for line in lines
    )


def base_of() -> dict[str, Any]:
    """The committed experiments, as text, and the catalogue."""
    files = [*CONFIG.glob("*.yaml"), *CONFIG.glob("paper/*.yaml")]
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files}
    return {
        "experiments": texts,
        "contents": {name: parse_yaml(text, name) for name, text in texts.items()},
        "catalogue": load_catalogue(CONFIG / "catalogue"),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="configurations")
    parser.add_argument("--first", type=int, default=0, help="number of the first configuration")
    parser.add_argument("--only", type=int, help="print what one configuration gives")
    arguments = parser.parse_args(argv)
    base, counts = base_of(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.only is not None:
            print(*outcome(arguments.only, Path(folder), base), sep="\n")
            return 0
        for number in range(arguments.first, arguments.first + arguments.count):
            kind, told = outcome(number, Path(folder), base)
            counts[kind] += 1
            if kind in ("unclear", "crashed"):
                print(f"{number}: {kind}: {told}", flush=True)
    print(", ".join(f"{counts[kind]} {kind}" for kind in sorted(counts)))
    return int(bool(counts["unclear"] + counts["crashed"]))


if __name__ == "__main__":
    sys.exit(main())
