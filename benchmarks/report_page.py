"""How large a report is, how long it takes to make, and how soon it is open, at its largest.

    python -m benchmarks.report_page

Made-up results of 40 strategies on 10 data sets in 20 rounds with 10 seeds, two splits: 160,000
measured values. Prints seconds, CPU seconds and peak memory of every job (each is a process of its
own as in a run, drawings side by side on `--cores`) and of all together, the page's size, and, in
Chromium without a window, the milliseconds until the first figure and until all figures stand,
after a fresh start each time. Needs chromium.

The goals: open in less than 3 seconds, smaller than 15 MB; with `--strategies 25`, 100,000 measured
values, all jobs in less than 30 seconds and 1 GB.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import Popen
from typing import Any

import numpy as np
import pandas as pd

from benchmarks._browser import fresh_browsers
from labelbench_core.analysis.collected.balance import BALANCE_COLUMNS, class_balance
from labelbench_core.analysis.collected.costs import COST_COLUMNS
from labelbench_core.analysis.collected.frames import FINETUNED_COLUMNS, HIT_COLUMNS, SIGNAL_COLUMNS
from labelbench_core.analysis.targets.proxy_savings import PROXY_SAVING_COLUMNS
from labelbench_core.metrics.signals import SIGNALS
from labelbench_core.seeds import rng_for
from labelbench_core.stages import report_files

SIZES = {"strategies": 40, "datasets": 10, "rounds": 20, "seeds": 10}
SPLITS = ("test", "pool")
BATCH = 100
OPENINGS = 5


def measured(experiment: dict[str, Any]) -> pd.DataFrame:
    """Rising curves with noise: a row per data set, strategy, seed, round and split."""
    crossing = experiment["crossings"][0]
    names = ["dataset", "strategy", "seed", "round", "split"]
    lists = [crossing["datasets"], crossing["strategies"], crossing["seeds"]]
    lists += [range(crossing["rounds"]), SPLITS]
    frame = pd.MultiIndex.from_product(lists, names=names).to_frame(index=False)
    rng = rng_for("benchmark of the page")
    speed = dict(zip(crossing["strategies"], rng.uniform(0.8, 1.6, len(lists[1])), strict=True))
    labels = BATCH * (1 + frame["round"])
    rise = 1 - np.exp(-labels * frame["strategy"].map(speed) / (BATCH * 6))
    first = frame["round"] == 0  # all strategies share the first labels of a seed
    noise = rng.normal(0, 0.01, len(frame))
    noise[first] = 0.002 * frame.loc[first, "seed"]
    rise[first] = 0.2
    value = (0.3 + 0.6 * rise + noise).clip(0, 1)
    ids = {"backbone": "dinov2-small", "proxy": "linear", "schedule": "first-100-batch-100"}
    return frame.assign(
        **ids, annotator="exact", num_labeled=labels, metric="accuracy", value=value.round(6),
        converged=1, at_edge=0,
    ).drop(columns="annotator")  # fmt: skip


def experiment_of(sizes: dict[str, int]) -> dict[str, Any]:
    """What is crossed, as jobs get it."""
    strategies = ["random", "margin"]
    strategies += [f"strategy-{number:02d}" for number in range(sizes["strategies"] - 2)]
    crossing = {
        "datasets": [f"data-set-{number}" for number in range(sizes["datasets"])],
        **{"backbones": ["dinov2-small"], "proxies": ["linear"]},
        **{"schedules": ["first-100-batch-100"], "strategies": strategies, "finetune": None},
        **{"seeds": list(range(sizes["seeds"])), "rounds": sizes["rounds"]},
    }
    names = {"experiment": "benchmark", "baseline": "random", "highlight": "margin"}
    return {**names, "crossings": [crossing]}


def signals_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Signals that go with the values of each round on the pool."""
    found = rows[rows["split"] == "pool"]
    made = {name: found["value"] ** (0.2 * place) for place, name in enumerate(SIGNALS)}
    return found.assign(**made)[[name for name in SIGNAL_COLUMNS if name != "annotator"]]


def balance_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Class balance of the same rounds, of ten classes."""
    found = rows[rows["split"] == "pool"].drop(columns=["metric", "value", "split"])
    pool = np.arange(1, 11) * BATCH
    drawn = rng_for("benchmark of balance").multinomial(found["num_labeled"], pool / pool.sum())
    made = pd.DataFrame([class_balance(counts, pool) for counts in drawn], index=found.index)
    return found.join(made)[[name for name in BALANCE_COLUMNS if name != "annotator"]]


def make(folder: Path, sizes: dict[str, int], cores: int) -> Path:
    """The page, through the jobs that make it; their times are printed."""
    experiment = experiment_of(sizes)
    asked = ["--experiment", json.dumps(experiment)]
    rows = measured(experiment)
    rows.to_csv(folder / "metrics.csv", index=False)
    signals_of(rows).to_csv(folder / "signals.csv", index=False)
    pd.DataFrame(columns=[name for name in FINETUNED_COLUMNS if name != "annotator"]).to_csv(
        folder / "finetuned.csv", index=False
    )
    pd.DataFrame(columns=[name for name in COST_COLUMNS if name != "annotator"]).to_csv(
        folder / "costs.csv", index=False
    )
    pd.DataFrame(columns=[name for name in PROXY_SAVING_COLUMNS if name != "annotator"]).to_csv(
        folder / "proxy_savings.csv", index=False
    )
    balance_of(rows).to_csv(folder / "balance.csv", index=False)
    tables, figures = ["--tables", f"{folder}/tables"], ["--figures", f"{folder}/figures"]
    summary = ["--summary", f"{folder}/summary.json"]
    collected = ["--metrics", f"{folder}/metrics.csv", "--finetuned", f"{folder}/finetuned.csv"]
    signals = ["--signals", f"{folder}/signals.csv"]
    (folder / "hits.csv").write_text(",".join(HIT_COLUMNS) + "\n", encoding="utf-8")
    signals += ["--hits", f"{folder}/hits.csv"]
    table_paths = {name: f"{folder}/tables/{name}.csv" for name in report_files.TABLES}
    print(f"{len(rows):,} measured values")
    print(f"for comparison, sorting 1,000,000 numbers by a key: {sorting():.2f} CPU s")
    balance, costs = ["--balance", f"{folder}/balance.csv"], ["--costs", f"{folder}/costs.csv"]
    drawings = {}
    for name, read in (
        ("plot_label_efficiency", ("curves", "comparisons", "pairwise", "classes")),
        ("plot_label_savings", ("savings", "levels", "profiles", "stopping")),
        ("plot_ranks", ("across",)),
    ):
        read_tables = [part for table in read for part in (f"--{table}", table_paths[table])]
        drawings[name] = [*asked, *read_tables, *figures]
    drawings["plot_label_efficiency"] += balance
    drawings["plot_costs"] = [*costs, *figures]
    page = folder / "report.html"
    made = [*asked, *summary, *tables, *figures, *costs, *balance, "--report", str(page)]
    made += ["--proxy-savings", f"{folder}/proxy_savings.csv"]
    start = time.perf_counter()
    used = [timed("tabulate", [*asked, *collected, *signals, *tables, *summary])]
    with ThreadPoolExecutor(cores) as side_by_side:
        used += side_by_side.map(timed, drawings, drawings.values())
    used.append(timed("render_report", made))
    took = time.perf_counter() - start
    print(f"all, on {cores} cores: {took:.1f} s, {sum(used):.1f} CPU s")
    print(f"page: {page.stat().st_size / 1e6:.2f} MB")
    return page


def sorting() -> float:
    """CPU seconds of a task of plain Python, by which runs on busy machines can be compared."""
    start = time.process_time()
    sorted(range(1_000_000), key=lambda number: number * 7919 % 1_000_003)
    return time.process_time() - start


def timed(job: str, arguments: list[str]) -> float:
    """Run a job as Snakemake does, print what it took, and return its CPU seconds."""
    start = time.perf_counter()
    command = [sys.executable, "-m", f"workflow_scripts.{job}", *arguments]
    _, status, usage = os.wait4(Popen(command).pid, 0)
    if status:
        raise RuntimeError(f"{job} failed")
    took, cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    peak = usage.ru_maxrss / 1024
    print(f"{job}: {took:.1f} s, {cpu:.1f} CPU s, peak memory {peak:,.0f} MB", flush=True)
    return cpu


def open_page(page: Path) -> tuple[float, float]:
    """Milliseconds until the first figure and all figures stand; median of openings."""
    found = []
    with fresh_browsers() as fresh:
        for _ in range(OPENINGS):
            browser = fresh()
            opened = browser.new_page(viewport={"width": 1280, "height": 900})
            opened.goto(page.resolve().as_uri())
            opened.wait_for_selector("body[data-ready]")
            found.append(
                opened.evaluate(
                    "[Number(document.body.dataset.first), Number(document.body.dataset.ready)]"
                )
            )
            browser.close()
    first, ready = (statistics.median(values) for values in zip(*found, strict=True))
    return first, ready


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, size in SIZES.items():
        parser.add_argument(f"--{name}", type=int, default=size, help=f"how many; default {size}")
    parser.add_argument("--cores", type=int, default=2, help="for drawings; default 2")
    parser.add_argument("--page", type=Path, help="only open this page")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        page = arguments.page
        if page is None:
            sizes = {name: getattr(arguments, name) for name in SIZES}
            page = make(Path(folder), sizes, arguments.cores)
        first, ready = open_page(page)
    print(f"open, median of {OPENINGS}: first figure {first:.0f} ms, all {ready:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
