"""Sum up a dry run of Snakemake: per stage, how many jobs, and why.

`snakemake -n --printshellcmds --quiet host … 2>&1 | python -m workflow_scripts.show_plan`.
"""

import ast
import collections
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from labelbench_core.counting import counted
from labelbench_core.errors import seen_from_here
from labelbench_core.piping import until_reader_leaves
from labelbench_core.stages.table import STAGES
from workflow_scripts._code_notes import changed_since

JOB = re.compile(r"Job (\d+): (.*)")
REASON = re.compile(r"Reason: (.*)")
SCRIPT = re.compile(r"Shell command: .*?python -m workflow_scripts\.(\w+)")
TARGET = re.compile(r"(local)?(rule|checkpoint) \w+:")
ROUTINE = re.compile(
    r"Building DAG of jobs\.\.\.|Job stats:|\[\w{3} \w{3} .*\]|Using workflow specific profile .*"
    r"|Assuming unrestricted shared filesystem usage\..*|Shell command: .*|This was a dry-run .*"
)
END = re.compile(r"Reasons:|This was a dry-run")
STOPS = re.compile(r"planned\b.*, but a run would stop: ")
"""What `_snakefile.py` tells when a dry run ends."""
PARAMS = re.compile(
    r"Params have changed since last execution: .*?before: (?P<before>.*?)\s*now: (?P<now>.*)"
)
HASH = re.compile(r"[0-9a-f]{16}")
FOLLOWS = "follows from jobs above"
MOST_FILES = 3
MOST_CHARACTERS = 60
"""Most characters that are shown of a value."""

Reasons = dict[str, list[str]]
"""Reason → for each job, a file that is missing, or nothing."""


def summed_up(lines: Iterable[str]) -> tuple[dict[str, Reasons], list[str]]:
    """Stage → its jobs by reason; and lines that are not routine."""
    stages: dict[str, Reasons] = {}
    others: list[str] = []
    reason, in_table, in_target, has_ended = "", False, False, False
    for line in map(str.rstrip, lines):
        has_ended = has_ended or bool(END.match(line))
        if has_ended:
            others += [line] if STOPS.match(line) else []
        elif in_table or line == "Job stats:":
            in_table = bool(line)
        elif in_target and line.startswith(" "):
            pass
        elif TARGET.fullmatch(line):
            in_target = True
        elif found := SCRIPT.match(line):
            jobs = stages.setdefault(found[1], collections.defaultdict(list))
            jobs[why(reason)].append(_missing_file(reason))
        elif found := REASON.match(line):
            reason = found[1]
        elif line and not JOB.match(line) and not ROUTINE.match(line):
            others.append(line)
    place = {name: number for number, name in enumerate(STAGES)}
    return dict(sorted(stages.items(), key=lambda one: place.get(one[0], len(place)))), others


def _missing_file(reason: str) -> str:
    """The first file that is missing, by name."""
    found = re.search(r"Missing output files: ([^;]*)", reason)
    return min(found[1].split(", ")) if found else ""


def why(reason: str) -> str:
    """A reason of Snakemake's in a few words, without what follows from other jobs of the plan."""
    found = [text for part in _parts(reason) if (text := _direct(part))]
    return "; ".join(dict.fromkeys(found)) or FOLLOWS


def _parts(reason: str) -> list[str]:
    """The causes in a reason. A `; ` within a value of a parameter separates nothing."""
    start = r"(?:Missing|Incomplete|Updated|Input files|Set of|Code has|Params|Software|Forced)"
    return re.split(rf"; (?={start})", reason)


def _direct(part: str) -> str:
    if part.startswith("Input files updated by another job"):
        return ""
    if part.startswith("Missing output files: "):
        return "missing"
    if part.startswith("Updated input files: "):
        return f"changed input: {_some(part.partition(': ')[2].split(', '))}"
    if found := PARAMS.match(part):
        return _changed_params(_values(found["before"]), _values(found["now"]))
    kept = part[: 2 * MOST_CHARACTERS]
    return kept[:1].lower() + kept[1:]


def _changed_params(before: list[Any], now: list[Any]) -> str:
    """Which code and which options changed."""
    codes = [one for one in before if isinstance(one, str) and HASH.fullmatch(one)]
    told = []
    if codes or any(isinstance(one, str) and HASH.fullmatch(one) for one in now):
        files = sorted({_path(name) for code in codes for name in changed_since(code)})
        told.append("code changed" + (f": {_some(files)}" if files else ""))
    new = [one for one in map(_content, now) if isinstance(one, Mapping)]
    for old in (one for one in map(_content, before) if isinstance(one, Mapping)):
        if new:
            like = max(new, key=lambda one: len({*one} & {*old}))
            told += [f"option changed: {text}" for text in _differences(old, like)][:MOST_FILES]
    return "; ".join(told) or "options changed"


def _differences(old: Any, new: Any, place: str = "") -> Iterator[str]:
    """Where two values differ: `key.key: old → new`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            inner = f"{place}.{key}".lstrip(".")
            yield from _differences(old.get(key), new.get(key), inner)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, pair in enumerate(zip(old, new, strict=True)):
            yield from _differences(*pair, f"{place}.{number}" if len(old) > 1 else place)
    elif old != new:
        yield f"{place}: {_short(old)} → {_short(new)}"


def _short(value: Any) -> str:
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def _values(text: str) -> list[Any]:
    """The values that Snakemake prints as Python, with commas between them."""
    try:
        return list(ast.literal_eval(f"[{text}]"))
    except (ValueError, SyntaxError):
        return []


def _content(value: Any) -> Any:
    """A parameter's value, read as JSON if it is JSON."""
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


def _path(module: str) -> str:
    if os.path.isabs(module):
        return seen_from_here(module)
    return module if "/" in module else f"{module.replace('.', '/')}.py"


def _some(names: Iterable[str]) -> str:
    first, rest = (every := list(names))[:MOST_FILES], every[MOST_FILES:]
    return ", ".join(first) + (f" and {len(rest)} more" if rest else "")


@until_reader_leaves()
def main() -> int:
    stages, others = summed_up(sys.stdin)
    for line in others:
        print(line)
    if not stages:
        return 0
    for stage, reasons in stages.items():
        print(f"{stage}: {counted(sum(map(len, reasons.values())), 'job')}")
        for reason, jobs in sorted(reasons.items(), key=lambda one: -len(one[1])):
            file = min(filter(None, jobs), default="")
            print(f"  {len(jobs):6,}  {reason}" + (f": {file}" if file else "") + _more(jobs))
    total = sum(len(jobs) for reasons in stages.values() for jobs in reasons.values())
    jobs = counted(total, "job")
    print(f"{jobs} would run. The reason for each: make plan FULL=1, or snakemake -n.")
    return 0


def _more(jobs: Sequence[str]) -> str:
    """How many other jobs lack a file, too."""
    others = sum(map(bool, jobs)) - 1
    return f" and files of {others:,} more job{'s' * (others > 1)}" if others > 0 else ""


if __name__ == "__main__":
    sys.exit(main())
