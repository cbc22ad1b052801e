"""Realistic result files of an experiment that never ran: what the analysis reads."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.analysis.collected.balance import BALANCE_COLUMNS, class_balance
from labelbench_core.annotators import EXACT
from labelbench_core.configuration.experiment import Experiment, annotator_of
from labelbench_core.seeds import rng_for
from labelbench_core.storage.files import read_json, sha256_file
from labelbench_core.storage.records import KINDS, write_record

CHAIN = "{dataset}{annotator}/{backbone}/{proxy}/{schedule}"
TUNED = "{dataset}{annotator}/{backbone}/{trainer}/{proxy}/{schedule}"
ROUND = f"selections/{CHAIN}/{{strategy}}/seed-{{seed}}/round-{{round}}.json"
INITIAL = f"selections/{CHAIN}/initial/seed-{{seed}}/round-0.json"
FINETUNED = f"finetuned/{TUNED}/{{strategy}}/seed-{{seed}}/round-{{round}}/metrics.json"
BENCHMARKS = {
    "extract_embeddings": "benchmarks/extract_embeddings/{dataset}/{backbone}.tsv",
    "select_round": f"benchmarks/select_round/{CHAIN}/{{strategy}}/seed-{{seed}}/round-{{round}}"
    ".tsv",
    "finetune_model": f"benchmarks/finetune_model/{TUNED}/{{strategy}}/seed-{{seed}}/"
    "round-{round}.tsv",
}
EMBEDDED = "embeddings/{dataset}/{backbone}/manifest.json"
RECORDS = {"extract_embeddings": EMBEDDED, "select_round": ROUND, "finetune_model": FINETUNED}
SPEED = {"random": 1.0, "margin": 2.0, "coreset": 1.25, "badge": 1.9, "entropy": 1.45}
SPEED |= {"look-ahead": 3.0}
SECONDS = {"extract_embeddings": 95.0, "select_round": 0.6, "finetune_model": 640.0}
FLOPS = {"extract_embeddings": 7e13, "select_round": 3e8, "finetune_model": 2.5e15}
EXTRA_LABELS = 50
BENCHMARK_HEADER = (
    "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time"
)
FIRST, BATCH, ALL = 100, 100, 5000
POOL_CLASSES = np.array([2500, 1500, 1000])
BALANCE = "balance.csv"
PROXY_SAVINGS = "proxy_savings.csv"


def experiment(**changes: Any) -> dict[str, Any]:
    """What a small experiment crosses, as `--experiment` gets it; changes of its one crossing."""
    crossing = {
        "datasets": ["digits"],
        "backbones": ["dinov2-small"],
        "proxies": ["linear"],
        "schedules": ["first-100-batch-100"],
        "strategies": ["random", "margin", "coreset", "badge", "entropy"],
        "seeds": [1, 2, 3, 4, 5],
        "rounds": 8,
        "finetune": {
            "trainers": ["full"],
            "strategies": ["random", "margin"],
            "rounds": [3, 7],
            "seeds": [1, 2, 3],
        },
    }
    values = {"experiment": "quickstart", "baseline": "random", "highlight": "margin"}
    kept = (*values, "metric", "further_metrics", "by_class", "by_group", "references", "panels")
    whole = {key: changes.pop(key) for key in kept if key in changes}
    return {**values, **whole, "crossings": [{**crossing, **changes}]}


def write(folder: Path, values: dict[str, Any], *, grouped: bool = False) -> None:
    """Write every file that the experiment's crossing names below `folder`.

    With `grouped`, the test and a split `shifted` have two groups.
    """
    crossed = Experiment.from_json(json.dumps(values))
    for ids in crossed.selections():
        path = _round(folder, ids)
        initial = ids["round"] == 0
        ids = {**ids, "strategy": "initial"} if initial else ids
        if not path.exists():
            fit = {"flops": FLOPS["select_round"] * (1 + ids["round"])}
            result = _result(ids, 0.0, grouped=grouped)
            said = {"signals": _signals(ids, result), "classes": _classes(result)}
            said |= {"groups": _groups(result)} if grouped else {}
            note(path, "round", **result, fit=fit, **said)
            _write_benchmark(folder, "select_round", ids)
        embedded = folder / EMBEDDED.format(**ids)
        note(embedded, "embeddings", flops=FLOPS["extract_embeddings"])
        _write_benchmark(folder, "extract_embeddings", ids)
    for ids in crossed.finetunings():
        validation = {"kind": "extra", "size": EXTRA_LABELS, "looks": []}
        training = {"flops": FLOPS["finetune_model"], "validation": validation}
        path = folder / FINETUNED.format(**ids)
        note(path, "fine-tuning", **_result(ids, 0.008), training=training)
        _write_benchmark(folder, "finetune_model", ids)
    _write_balance(folder / BALANCE, crossed)
    link(folder, values)


def note(path: Path, kind: str, **content: Any) -> None:
    """Write a record with this content; what else its readers rely on is there, and empty."""
    write_record(path, kind, {**_blank(KINDS[kind][1]), **content})


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Write a record anew, after a change to its content."""
    record = read_json(path)
    change(record)
    write_record(path, record["kind"], record)


def link(folder: Path, values: dict[str, Any]) -> None:
    """Have every record name the files that it was made from, as they are now."""
    crossed = Experiment.from_json(json.dumps(values))
    made_from = [
        (_round(folder, ids), _round(folder, {**ids, "round": ids["round"] - 1}))
        for ids in crossed.selections()
        if ids["round"] > 0
    ]
    made_from += [
        (folder / FINETUNED.format(**ids), _round(folder, ids)) for ids in crossed.finetunings()
    ]
    for path, before in made_from:
        digests = {"record_sha256": sha256_file(before), "arrays_sha256": ""}
        edit(path, lambda record, digests=digests: record.update(previous=digests))


def _round(folder: Path, ids: dict[str, Any]) -> Path:
    return folder / (ROUND if ids["round"] else INITIAL).format(**ids)


def _blank(shape: Any) -> Any:
    """A value of a shape as in `KINDS`."""
    if isinstance(shape, Mapping):
        return {key: _blank(inner) for key, inner in shape.items()}
    blanks = {str: "", int: 1, float: 0.0}
    return [] if isinstance(shape, list) else blanks.get(shape, {})


def _write_balance(path: Path, crossed: Experiment) -> None:
    """Of labels drawn like the pool's; after the first, faster strategies draw more evenly."""
    with open(path, "w", encoding="utf-8", newline="") as handle:
        lines = csv.DictWriter(handle, BALANCE_COLUMNS, lineterminator="\n")
        lines.writeheader()
        for ids in crossed.selections():
            if ids["schedule"] in crossed.full_data:
                continue
            labeled = FIRST + BATCH * ids["round"]
            evenly = 1 / SPEED.get(ids["strategy"], 1.0) if ids["round"] else 1.0
            weights = POOL_CLASSES**evenly
            rng = rng_for("fake-balance", ids["dataset"], str(ids["seed"]), str(ids["round"]))
            counts = rng.multinomial(labeled, weights / weights.sum())
            head = {name: ids[name] for name in BALANCE_COLUMNS if name in ids}
            head |= {"annotator": annotator_of(ids), "num_labeled": labeled}
            lines.writerow({**head, **class_balance(counts, POOL_CLASSES)})


def _signals(ids: dict[str, Any], result: dict[str, Any]) -> dict[str, float]:
    """Signals that go with the accuracy on the pool."""
    accuracy = result["metrics"]["pool"]["accuracy"]
    found = {"entropy": 1 - accuracy, "confidence": accuracy, "confidence_variance": 0.2 * accuracy}
    if ids["round"] == 0:
        return found
    compared = {"kappa": accuracy**0.25, "changed": 1 - accuracy**0.25}
    batch = {"batch_entropy": 1.0, "batch_accuracy": accuracy**2, "contradiction": 1 / accuracy}
    return found | compared | batch


def _classes(result: dict[str, Any]) -> dict[str, dict[str, list[int]]]:
    """Hits in three classes of 100 rows, around the accuracy on the test."""
    accuracy = result["metrics"]["test"]["accuracy"]
    hits = [round(100 * accuracy**power) for power in (2, 1, 0.5)]
    return {"test": {"rows": [100, 100, 100], "hits": hits}}


def _groups(result: dict[str, Any]) -> dict[str, dict[str, list[int]]]:
    """Hits in two groups of the test and the shifted split, the second one lower."""
    found = {}
    for split in ("test", "shifted"):
        accuracy = result["metrics"][split]["accuracy"]
        hits = [round(200 * accuracy), round(50 * (2 * accuracy - 1))]
        found[split] = {"rows": [200, 50], "hits": hits}
    return found


def _result(ids: dict[str, Any], gain: float, *, grouped: bool = False) -> dict[str, Any]:
    """A curve that rises to its ceiling, faster for some strategies, with noise shared by seed."""
    names = [ids[key] for key in ("dataset", "backbone", "proxy", "schedule")]
    seed_rng = rng_for("fake-seed", *names, ids["seed"])
    rng = rng_for("fake", *_texts(ids))
    labels = ALL if ids["schedule"] == "full-data" else FIRST + BATCH * ids["round"]
    speed = SPEED.get(ids["strategy"], 1.0)
    effective = FIRST + (labels - FIRST) * speed
    ceiling = 0.955 - 0.04 * (int.from_bytes("".join(names).encode(), "big") % 5) / 4
    metrics = {}
    shifted = [("shifted", -0.05)] if grouped else []
    for split, bonus in (("pool", 0.012), ("test", 0.0), *shifted):
        level = ceiling + bonus - 0.3 * np.exp(-effective / 260.0)
        noise = seed_rng.normal(0, 0.004) + rng.normal(0, 0.002)
        accuracy = float(np.clip(level + gain + noise, 0, 1))
        metrics[split] = {
            "accuracy": round(accuracy, 6),
            "macro-f1": round(accuracy - 0.01, 6),
            "nll": round(1.2 * (1 - accuracy), 6),
        }
        if grouped and split != "pool":
            metrics[split]["worst-group-accuracy"] = round(50 * (2 * accuracy - 1)) / 50
    named = {key: value for key, value in ids.items() if key != "annotator"}
    if (annotator := annotator_of(ids)) != EXACT:
        named["annotator"] = annotator
    return {**named, "num_labeled": labels, "metrics": metrics}


def _texts(ids: dict[str, Any]) -> list[str]:
    """What a random stream is derived from: ids that are given."""
    return [str(value) for value in ids.values() if value != ""]


def _write_benchmark(folder: Path, stage: str, ids: dict[str, Any]) -> None:
    path = folder / BENCHMARKS[stage].format(**ids)
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = rng_for("fake-cost", stage, *_texts(ids)).uniform(0.9, 1.1)
    slow = 4.0 if ids["strategy"] in ("coreset", "badge") else 1.0
    seconds = SECONDS[stage] * noise * (slow if stage == "select_round" else 1.0)
    memory = {"extract_embeddings": 2900, "select_round": 210, "finetune_model": 3900}[
        stage
    ] * noise
    row = f"{seconds:.4f}\t0:00:00\t{memory:.2f}\t0\t0\t0\t0\t0\t97.0\t{seconds * 1.8:.2f}"
    path.write_text(f"{BENCHMARK_HEADER}\n{row}\n", encoding="utf-8")
