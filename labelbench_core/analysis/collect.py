"""Reading the metrics of every round and every fine-tuning of an experiment into long tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.frames import (
    CURVE_COLUMNS,
    FINETUNED_COLUMNS,
    SPENT_ON_VALIDATION,
)
from labelbench_core.errors import InputError
from labelbench_core.experiment import Experiment
from labelbench_core.files import read_json
from labelbench_core.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

REDO = "delete it to have it made again"


def collect_rounds(
    experiment: Experiment, round_pattern: str, initial_pattern: str
) -> pd.DataFrame:
    """The metrics of every round, in the order of the experiment's lists.

    Parameters
    ----------
    experiment
        What is crossed.
    round_pattern, initial_pattern
        Paths of a round's JSON file with the ids in braces; `initial_pattern` is round 0, which
        all strategies share and which is read once and stated for each.

    Returns
    -------
    Columns as `CURVE_COLUMNS`. `InputError` names the first file that is missing, damaged, of
    another place, or at odds with the others (other splits or metrics, another number of labels).
    """
    import pandas as pd

    cache: dict[str, dict] = {}
    shapes: dict[Any, tuple[str, Any]] = {}
    rows: list[tuple] = []
    jobs = list(experiment.selections())
    with Progress("reading rounds", len(jobs), "rounds") as progress:
        for ids in jobs:
            initial = ids["round"] == 0
            path = _fill(initial_pattern if initial else round_pattern, ids)
            if initial and path in cache:
                result = cache[path]
            else:
                expected = {**ids, "strategy": "initial"} if initial else ids
                result = _read(path, expected)
                if initial:
                    cache[path] = result
            _check_against_others(path, ids, result, shapes)
            fit = result.get("fit") or {}
            ended = {
                "converged": int(fit.get("converged", True)),
                "at_edge": int(fit.get("penalty_at_edge", False)),
            }
            rows += _rows(ids, {**result, **ended}, CURVE_COLUMNS)
            progress.update(1)
    return pd.DataFrame(rows, columns=list(CURVE_COLUMNS))


def collect_finetunings(experiment: Experiment, pattern: str, rounds: pd.DataFrame) -> pd.DataFrame:
    """The metrics of every fine-tuning: columns as `FINETUNED_COLUMNS`, empty where there is none.

    `rounds` is what `collect_rounds` gave: a fine-tuning must have used as many labels as the
    round it belongs to.
    """
    import pandas as pd

    labels = rounds.drop_duplicates(["schedule", "dataset", "round"])
    counts = labels.set_index(["schedule", "dataset", "round"])["num_labeled"].to_dict()
    shapes: dict[Any, tuple[str, Any]] = {}
    rows: list[tuple] = []
    for ids in experiment.finetunings():
        path = _fill(pattern, ids)
        result = _read(path, ids)
        _check_against_others(path, ids, result, shapes)
        expected = counts.get((ids["schedule"], ids["dataset"], ids["round"]))
        if result["num_labeled"] != expected:
            raise InputError(
                f"{path}: num_labeled is {result['num_labeled']}, but round {ids['round']} has "
                f"{expected} labels; {REDO}"
            )
        training = result.get("training") or {}
        converged = {"converged": int(not training.get("diverged", False))}
        found = {**result, **converged, **_spent_on_validation(path, training)}
        rows += _rows(ids, found, FINETUNED_COLUMNS)
    return pd.DataFrame(rows, columns=list(FINETUNED_COLUMNS))


def _fill(pattern: str, ids: Mapping[str, Any]) -> str:
    try:
        return pattern.format_map(ids)
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(
            f"path pattern {pattern}: {error} is not an id that can be filled in"
        ) from error


def _read(path: str, expected: Mapping[str, Any]) -> dict:
    """A result file whose ids are `expected` and whose metrics are numbers."""
    result = read_json(path)
    if not isinstance(result, dict):
        raise InputError(f"{path}: must hold a JSON object; {REDO}")
    for key, value in expected.items():
        if result.get(key) != value:
            raise InputError(f"{path}: {key} is {result.get(key)!r}, expected {value!r}; {REDO}")
    count = result.get("num_labeled")
    if not isinstance(count, int) or count < 1:
        raise InputError(f"{path}: num_labeled is {count!r}, must be a whole number >= 1; {REDO}")
    metrics = result.get("metrics")
    if not isinstance(metrics, dict) or not metrics:
        raise InputError(f"{path}: metrics are missing; {REDO}")
    for split, values in metrics.items():
        if not isinstance(values, dict) or not values:
            raise InputError(f"{path}: metrics of {split} are missing; {REDO}")
        for metric, value in values.items():
            if not _is_number(value):
                raise InputError(f"{path}: {metric} on {split} is {value!r}, not a number; {REDO}")
    return result


def _spent_on_validation(path: str, training: Mapping[str, Any]) -> dict[str, int]:
    """The columns `SPENT_ON_VALIDATION` of a fine-tuning."""
    validation = training.get("validation") or {"kind": "none", "size": 0}
    if not isinstance(validation.get("size"), int):
        raise InputError(f"{path}: training.validation has no size; {REDO}")
    columns = {"held-out": "held_out_labels", "extra": "extra_labels"}
    spent = dict.fromkeys(SPENT_ON_VALIDATION, 0)
    if validation.get("kind") in columns:
        spent[columns[validation["kind"]]] = validation["size"]
    return spent


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_against_others(
    path: str, ids: Mapping[str, Any], result: Mapping[str, Any], seen: dict[Any, tuple[str, Any]]
) -> None:
    """`InputError` unless metrics and label counts agree with the files read before."""
    names = sorted(
        (split, metric) for split, values in result["metrics"].items() for metric in values
    )
    setting = tuple(ids[key] for key in ("dataset", "backbone", "proxy", "schedule"))
    facts = {
        ("metrics", setting): ("splits and metrics", names),
        ("labels", ids["dataset"], ids["schedule"], ids["round"]): (
            f"number of labels in round {ids['round']}",
            result["num_labeled"],
        ),
    }
    for key, (what, value) in facts.items():
        first_path, first = seen.setdefault(key, (path, value))
        if first != value:
            raise InputError(
                f"{path}: {what} differ from those in {first_path}; delete the stale one"
            )
    if ids["round"] > 0:
        before = seen.get(("labels", ids["dataset"], ids["schedule"], ids["round"] - 1))
        if before is not None and before[1] >= result["num_labeled"]:
            raise InputError(
                f"{path}: num_labeled is {result['num_labeled']}, not more than the {before[1]} "
                f"of the round before ({before[0]}); {REDO}"
            )


def _rows(
    ids: Mapping[str, Any], result: Mapping[str, Any], columns: tuple[str, ...]
) -> Iterator[tuple]:
    base = {**result, **ids}
    for split in sorted(result["metrics"]):
        for metric, value in sorted(result["metrics"][split].items()):
            row = {**base, "split": split, "metric": metric, "value": float(value)}
            yield tuple(row[name] for name in columns)
