"""Reading the metrics of every round and every fine-tuning of an experiment into long tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labelbench_core.analysis.collected.frames import (
    ANNOTATOR,
    CURVE_COLUMNS,
    FINETUNED_COLUMNS,
    GROUP,
    HIT_COLUMNS,
    SIGNAL_COLUMNS,
    SPENT_ON_VALIDATION,
    WEIGHT,
    WEIGHTED,
    columns_for,
    without_constant,
)
from labelbench_core.annotators import EXACT
from labelbench_core.configuration.experiment import SETTING, Experiment, annotator_of
from labelbench_core.errors import InputError, damaged, shown
from labelbench_core.progress import Progress
from labelbench_core.storage.records import KINDS, ROUND, Each, check_shape, read_with_digest
from labelbench_core.storage.round_files import INITIAL

if TYPE_CHECKING:
    import pandas as pd


def collect_rounds(
    experiment: Experiment, round_pattern: str, initial_pattern: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Metrics, signals and hits by class of every round, in the order of the experiment's lists.

    Parameters
    ----------
    experiment
        What is crossed.
    round_pattern, initial_pattern
        Paths of a round's JSON file with the ids in braces; `initial_pattern` is round 0, which
        all strategies share and which is read once and stated for each.

    Returns
    -------
    Three tables, with columns as `CURVE_COLUMNS`; as `SIGNAL_COLUMNS`, without models on the full
    data; and as `HIT_COLUMNS`, empty where the experiment asks for no accuracy by class or group.

    Raises
    ------
    InputError
        Names the first file that is missing, damaged, belongs elsewhere, was made from a round
        other than the one that is there, or is inconsistent with the others (other splits or
        metrics, another number of labels).
    """
    import pandas as pd

    digests: dict[str, str] = {}
    initial: dict[str, dict] = {}  # read once; of all others only the requested values are kept
    shapes: dict[Any, tuple[str, Any]] = {}
    rows: list[tuple] = []
    signals: list[tuple] = []
    columns = columns_for(experiment, (*CURVE_COLUMNS, WEIGHTED))
    of_signals = columns_for(experiment, SIGNAL_COLUMNS)
    hits: list[tuple] = []
    of_hits = columns_for(experiment, (*HIT_COLUMNS, WEIGHT, GROUP))
    jobs = list(experiment.selections())
    with Progress("reading rounds", len(jobs), "rounds") as progress:
        for ids in jobs:
            path = _round_path(ids, round_pattern, initial_pattern)
            if path in initial:
                result = initial[path]
            else:
                result, digests[path] = _read(path, "round", ids)
                result.pop("bought")
                if ids["round"] == 0:
                    initial[path] = result
            if ids["round"] > 0:
                before = {**ids, "round": ids["round"] - 1}
                before_path = _round_path(before, round_pattern, initial_pattern)
                # The experiment lists the rounds of a chain in order.
                _check_previous(path, result, before_path, digests[before_path])
            _check_against_others(path, ids, result, shapes)
            ended = {
                "converged": int(result["fit"].get("converged", True)),
                "at_edge": int(result["fit"].get("penalty_at_edge", False)),
            }
            rows += _rows(ids, {**result, **ended}, columns)
            if ids["schedule"] not in experiment.full_data:
                signals.append(_signals(path, ids, result, of_signals))
                if experiment.by_class:
                    hits += _hits(path, ids, result, "classes", of_hits)
                if experiment.by_group:
                    hits += _hits(path, ids, result, "groups", of_hits)
            progress.update(1)
    return (
        without_constant(pd.DataFrame(rows, columns=columns), WEIGHTED, 0),
        pd.DataFrame(signals, columns=of_signals),
        without_constant(without_constant(pd.DataFrame(hits, columns=of_hits), WEIGHT), GROUP),
    )


def collect_finetunings(
    experiment: Experiment,
    pattern: str,
    rounds: pd.DataFrame,
    round_pattern: str,
    initial_pattern: str,
) -> pd.DataFrame:
    """The metrics of every fine-tuning: columns as `FINETUNED_COLUMNS`, empty where there is none.

    `rounds` is the first table that `collect_rounds` gave for the same patterns: a fine-tuning must
    have been made from the round it belongs to, and have used as many labels.
    """
    import pandas as pd

    labels = rounds.drop_duplicates(["schedule", "dataset", "round"])
    counts = labels.set_index(["schedule", "dataset", "round"])["num_labeled"].to_dict()
    shapes: dict[Any, tuple[str, Any]] = {}
    digests: dict[str, str] = {}
    rows: list[tuple] = []
    columns = columns_for(experiment, (*FINETUNED_COLUMNS, WEIGHTED))
    for ids in experiment.finetunings():
        path = _fill(pattern, ids)
        result, _ = _read(path, "fine-tuning", ids)
        bought = _round_path(ids, round_pattern, initial_pattern)
        if bought not in digests:
            digests[bought] = _read(bought, "round", ids)[1]
        _check_previous(path, result, bought, digests[bought])
        _check_against_others(path, ids, result, shapes)
        key = (ids["schedule"], ids["dataset"], ids["round"])
        if key not in counts:
            raise InputError(
                f"rounds: no row for {path}, which was fine-tuned after round {ids['round']}; "
                "allowed: the rounds that `collect_rounds` gives for the same experiment"
            )
        expected = counts[key]
        if result["num_labeled"] != expected:
            raise damaged(
                path,
                f"num_labeled is {result['num_labeled']}, but round {ids['round']} has "
                f"{expected} labels",
            )
        training = result["training"]
        converged = {"converged": int(not training.get("diverged", False))}
        found = {**result, **converged, **_spent_on_validation(training["validation"])}
        rows += _rows(ids, found, columns)
    return without_constant(pd.DataFrame(rows, columns=columns), WEIGHTED, 0)


def _round_path(ids: Mapping[str, Any], round_pattern: str, initial_pattern: str) -> str:
    """The record of a round; round 0 is one file, shared by all strategies."""
    return _fill(round_pattern if ids["round"] else initial_pattern, ids)


def _fill(pattern: str, ids: Mapping[str, Any]) -> str:
    try:
        return pattern.format_map(ids)
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(
            f"path pattern {pattern}: {error} is not an id that can be filled in"
        ) from error


def _read(path: str, kind: str, ids: Mapping[str, Any]) -> tuple[dict, str]:
    """A result whose ids are `ids` and whose metrics are numbers; the SHA-256 of its file."""
    expected = {key: ids[key] for key in (*ROUND, "trainer") if key in KINDS[kind][1]}
    if kind == "round" and ids["round"] == 0:
        expected["strategy"] = INITIAL
    annotator = annotator_of(ids)
    expected[ANNOTATOR] = None if annotator == EXACT else annotator
    result, digest = read_with_digest(path, kind, expected)
    if result["num_labeled"] < 1:
        raise damaged(path, f"num_labeled is {result['num_labeled']}, not 1 or more")
    if not result["metrics"] or not all(result["metrics"].values()):
        raise damaged(path, "metrics are missing")
    return result, digest


def _check_previous(path: str, result: Mapping[str, Any], before: str, digest: str) -> None:
    """`InputError` unless `result` was made from the record in `before`."""
    noted = result["previous"].get("record_sha256")
    if noted != digest:
        raise damaged(
            path,
            f"previous.record_sha256 is {shown(noted)}, expected {digest!r}: it was made from "
            f"another version of {before}",
        )


def _spent_on_validation(validation: Mapping[str, Any]) -> dict[str, int]:
    """The columns `SPENT_ON_VALIDATION` of a fine-tuning."""
    columns = {"held-out": "held_out_labels", "extra": "extra_labels"}
    spent: dict[str, int] = dict.fromkeys(SPENT_ON_VALIDATION, 0)
    if validation["kind"] in columns:
        spent[columns[validation["kind"]]] = validation["size"]
    return spent


def _check_against_others(
    path: str, ids: Mapping[str, Any], result: Mapping[str, Any], seen: dict[Any, tuple[str, Any]]
) -> None:
    """`InputError` unless metrics and label counts agree with the files read before."""
    names = sorted(
        (split, metric) for split, values in result["metrics"].items() for metric in values
    )
    weighted = result.get("weighted", [])
    setting = tuple(ids[key] for key in SETTING)
    facts = {
        ("metrics", setting): ("splits and metrics", names),
        ("weighted", setting): ("splits with weighted metrics", weighted),
        ("labels", ids["dataset"], ids["schedule"], ids["round"]): (
            f"number of labels in round {ids['round']}",
            result["num_labeled"],
        ),
    }
    for key, (what, value) in facts.items():
        first_path, first = seen.setdefault(key, (path, value))
        if first != value:
            raise damaged(path, f"{what} differ from those in {first_path}", "the stale one")
    if ids["round"] > 0:
        before = seen.get(("labels", ids["dataset"], ids["schedule"], ids["round"] - 1))
        if before is not None and before[1] >= result["num_labeled"]:
            raise damaged(
                path,
                f"num_labeled is {result['num_labeled']}, not more than the {before[1]} of the "
                f"round before ({before[0]})",
            )


def _rows(
    ids: Mapping[str, Any], result: Mapping[str, Any], columns: Sequence[str]
) -> Iterator[tuple]:
    base = {**result, **ids, ANNOTATOR: annotator_of(ids)}
    for split in sorted(result["metrics"]):
        base[WEIGHTED] = int(split in result.get("weighted", ()))
        for metric, value in sorted(result["metrics"][split].items()):
            row = {**base, "split": split, "metric": metric, "value": float(value)}
            yield tuple(row[name] for name in columns)


def _signals(
    path: str, ids: Mapping[str, Any], result: Mapping[str, Any], columns: Sequence[str]
) -> tuple:
    """A row of `SIGNAL_COLUMNS`; rounds of several labels per row have no signals."""
    signals = result.get("signals", {})
    check_shape(path, signals, Each(float), "signals")
    row = {**signals, "num_labeled": result["num_labeled"], **ids, ANNOTATOR: annotator_of(ids)}
    return tuple(row.get(name) for name in columns)


def _hits(
    path: str, ids: Mapping[str, Any], result: Mapping[str, Any], what: str, columns: Sequence[str]
) -> Iterator[tuple]:
    """Rows of `HIT_COLUMNS`; rounds of several labels per row have none.

    `what` is `classes` or `groups`. Rounds without groups have none of these, nor have those that
    were run before hits by group were recorded.
    """
    parts = result.get(what, {})
    for counts in parts.values():
        shape = Each([float if "weights" in counts else int])
        check_shape(path, counts, shape, what)
    base = {"num_labeled": result["num_labeled"], **ids, ANNOTATOR: annotator_of(ids)}
    for split, counts in sorted(parts.items()):
        weights = counts.get("weights", [None] * len(counts["rows"]))
        triples = zip(counts["rows"], counts["hits"], weights, strict=True)
        for number, (rows, hits, weight) in enumerate(triples):
            row = {**base, "split": split, "rows": rows, "hits": hits, WEIGHT: weight}
            row |= {"class": number} if what == "classes" else {"class": -1, GROUP: number}
            yield tuple(row.get(name) for name in columns)
