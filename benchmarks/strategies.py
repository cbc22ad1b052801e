"""Every strategy against its plain form on the same pool, and against the unavoidable work.

    OMP_NUM_THREADS=1 python -m benchmarks.strategies [--strategies coreset badge]
    python -m benchmarks.strategies --device cuda

Plain forms (`benchmarks/plain`) are written as LabelBench or the authors write them: NumPy in
float64, a full pass over the pool per pick. They pick the same where a strategy draws nothing;
those that cluster share our k-means, so that the rest is compared. One that would take long is
timed for one pick and for a few, twice, and scaled up; where even that takes long, on a smaller
pool. `_cases.py` says what work is counted as unavoidable. Our times are the best of two runs, or
that of one which takes more than `LONG` seconds. The clock can count the processor's time alone,
which tells more on a machine that has other work to do.
"""

import argparse
import importlib
import inspect
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks._cases import CASES, Case, Setting, Work
from benchmarks._device import CLOCKS, NAMES, Device, Speeds, limited_threads
from labelbench_core import registry
from labelbench_core.storage.files import atomic_path
from labelbench_core.strategies import Head, Pool, select

LONG = 20.0
MEMBERS = 5
HEADINGS = (
    "strategy",
    "time",
    "plain form",
    "timed on",
    "ratio",
    "goal",
    "peak MB",
    "unavoidable work",
    "its time",
    "reached",
)
TEXTS = (0, 3, 7)  # columns that are no numbers


@dataclass(frozen=True)
class Measurement:
    """What was measured of a strategy: seconds and MB."""

    name: str
    seconds: float
    plain: float | None
    timed_on: str
    peak: float
    work: Work | None

    def cells(self, case: Case, speeds: Speeds) -> list[str]:
        """The row of the table."""
        floor = self.work.seconds(speeds) if self.work else None
        return [
            self.name,
            duration(self.seconds),
            "–" if self.plain is None else duration(self.plain),
            self.timed_on,
            "–" if self.plain is None else f"{number(self.plain / self.seconds, 2)} ×",
            case.goal,
            f"{self.peak:,.0f}",
            str(self.work or "–"),
            "–" if floor is None else duration(floor),
            "–" if floor is None else f"{number(100 * floor / self.seconds, 2)} %",
        ]


def main(argv: list[str] | None = None) -> int:
    """Measure and print; the exit status."""
    options = parse(argv)
    device = Device(options.device, options.clock)  # before threads are limited: it imports torch
    with limited_threads(options.threads):
        text = run(options, device)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(options.output) as aside:
            aside.write_text(f"# How fast the strategies are\n\n{text}\n", encoding="utf-8")
    return 0


def run(options: argparse.Namespace, device: Device) -> str:
    """Print what is measured, row by row; all of it."""
    pools: dict[bool, tuple[Pool, Pool, np.ndarray]] = {}
    speeds = device.speeds()
    head = description(options, device, speeds)
    lines = [f"{head}\n", table_row(HEADINGS)]
    lines.append(table_row(["---" if i in TEXTS else "---:" for i in range(len(HEADINGS))]))
    print("\n".join(lines), flush=True)
    for name in options.strategies:
        case = CASES.get(name, Case(None))
        if (kind := is_multilabel(name)) not in pools:
            pool, truth = make_pool(options, options.rows, multilabel=kind)
            pools[kind] = (pool, device.pool(pool), truth)
        measured = measure(name, case, *pools[kind], device, options)
        lines.append(table_row(measured.cells(case, speeds)))
        print(lines[-1], flush=True)
    return "\n".join(lines)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dims", type=int, default=512)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--labeled", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--dtype", choices=["float16", "float32"], default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=NAMES, default="cpu")
    parser.add_argument("--clock", choices=list(CLOCKS), default="elapsed")
    names = [
        name
        for name in registry.names("strategies")
        if not registry.describe("strategies", name).info.get("required")
    ]
    parser.add_argument("--strategies", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--no-plain", action="store_true", help="leave the plain forms out")
    parser.add_argument("--output", type=Path, help="a Markdown file to write the table to")
    options = parser.parse_args(argv)
    if options.device == "cuda" and options.clock != "elapsed":
        parser.error("--device cuda: the processor's clock does not count what a GPU does")
    return options


def description(options: argparse.Namespace, device: Device, speeds: Speeds) -> str:
    """What was measured where, in a few sentences."""
    clock = {"elapsed": "Elapsed time", "processor": "Processor time (`--clock processor`)"}
    return (
        f"`python -m benchmarks.strategies`: {options.rows:,} × {options.dims} {options.dtype}, "
        f"{options.classes} classes, {options.labeled:,} labelled, a batch of {options.batch:,}; "
        f"{options.threads} thread{'s' * (options.threads > 1)}, {device}. {clock[options.clock]}; "
        f"the load average was {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores when it began. "
        f"Speeds measured in the same run: {speeds.bandwidth / 1e9:,.1f} GB/s read, "
        f"{speeds.single / 1e9:,.0f} GFLOP/s in float32, {speeds.double / 1e9:,.0f} in float64.\n\n"
        "The plain form (`benchmarks/plain`) runs in NumPy. “Timed on” says how it was timed where "
        "not in full: with n picks, the rest in proportion; on r rows, scaled by the power of rows "
        "by which it grows. Those that cluster share our k-means. “Unavoidable” is worked out in "
        "`benchmarks/_cases.py`; “reached” is its time at these speeds ÷ our time. A goal in per "
        "cent is one for that share, others are for the ratio."
    )


def table_row(cells: list[str] | tuple[str, ...]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def duration(seconds: float) -> str:
    """Three digits of a time, with its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{number(seconds / size, 3)} {unit}"
    return f"{number(seconds / 1e-6, 3)} µs"


def number(value: float, digits: int) -> str:
    """A positive number with so many digits, written out."""
    places = digits - 1 - int(np.floor(np.log10(max(value, 1e-9))))
    return f"{value:,.{min(max(places, 0), 4)}f}"


def is_multilabel(name: str) -> bool:
    """Whether a strategy is measured on a pool whose rows have any number of classes."""
    return registry.describe("strategies", name).info["multilabel"] == "only"


def make_pool(
    options: argparse.Namespace, rows: int, *, multilabel: bool = False
) -> tuple[Pool, np.ndarray]:
    """Points like embeddings of a pretrained network: classes overlap, the spectrum decays.

    Their labels, too: the class of a point or, multi-label, each class that a noisy classifier
    gives it.
    """
    rng = np.random.default_rng(0)
    rank = min(options.dims, 256)
    spectrum = np.arange(1, rank + 1, dtype=np.float32) ** -0.6
    basis = np.linalg.qr(rng.standard_normal((options.dims, rank)))[0].astype(np.float32)
    labels = rng.integers(0, options.classes, rows)
    centers = 1.5 * spectrum * rng.standard_normal((options.classes, rank), dtype=np.float32)
    low = centers[labels] + spectrum * rng.standard_normal((rows, rank), dtype=np.float32)
    embeddings = 8 * low @ basis.T
    embeddings += 0.15 * rng.standard_normal(embeddings.shape, dtype=np.float32) + np.float32(0.3)
    weights = (0.2 * (basis @ centers.T)).astype(np.float32)
    noise = 0.1 * weights.std() * rng.standard_normal((MEMBERS, *weights.shape), dtype=np.float32)
    bias = np.zeros(options.classes, np.float32)
    labeled = rng.permutation(rows)[: options.labeled]
    heads = [Head(weights + part, bias, multilabel) for part in noise]
    members = [head.predict_proba(embeddings) for head in heads]
    if multilabel:
        labels = (members[-1] > 0.5).astype(np.int64)

    def held_out(share: float) -> tuple[np.ndarray, np.ndarray]:
        last = labeled[len(labeled) - max(1, int(share * len(labeled))) :]
        return members[0][last], labels[last]  # no training: that is the proxy's time

    pool = Pool(
        embeddings=embeddings.astype(options.dtype),
        probabilities=Head(weights, bias, multilabel).predict_proba(embeddings),
        labeled=labeled,
        labels=labels[labeled],
        num_classes=options.classes,
        head=Head(weights, bias, multilabel),
        member_probabilities=np.stack(members),
        multilabel=multilabel,
        held_out=held_out,
    )
    return pool, labels


def measure(
    name: str,
    case: Case,
    pool: Pool,
    here: Pool,
    truth: np.ndarray,
    device: Device,
    options: argparse.Namespace,
) -> Measurement:
    """Time a strategy on `here`, and its plain form on `pool`, the same in main memory."""
    budget = min(options.batch, case.budget or options.batch)
    handed = {"ask": lambda rows: truth[rows], "truth": truth, "fit": no_fit}
    seconds = []

    def work() -> object:
        rng = np.random.default_rng(0)
        return select(name, here, budget, rng, **handed, **case.options)

    peak = device.peak_mb(lambda: seconds.append(device.seconds(work)))
    if seconds[0] < LONG:
        seconds.append(device.seconds(work))
    plain, timed_on = None, []
    if not options.no_plain:
        plain, timed_on = plain_seconds(name, case, budget, pool, truth, options)
    less = [f"both: a batch of {budget:,}"] * bool(case.budget)
    less += [f"{option} = {value}" for option, value in case.options.items()]
    bound = case.work(Setting(pool, budget)) if case.work else None
    return Measurement(name, min(seconds), plain, ", ".join(timed_on + less), peak, bound)


def no_fit(rows: np.ndarray) -> float:
    """Takes no time: what a ceiling's fits cost depends on the proxy."""
    return float(rows[0])


def plain_seconds(
    name: str,
    case: Case,
    budget: int,
    pool: Pool,
    truth: np.ndarray,
    options: argparse.Namespace,
) -> tuple[float, list[str]]:
    """Seconds of the plain form, scaled to the whole batch and pool, and what it was timed on."""
    form = importlib.import_module(f"benchmarks.plain.{name.replace('-', '_')}").select
    extra, scale, rows = dict(case.options), 1.0, case.plain_rows
    timed_on: list[str] = []
    if rows and rows < pool.num_rows:
        scale = (pool.num_rows / rows) ** case.growth
        extra |= case.plain_options
        pool, truth = make_pool(options, rows, multilabel=pool.multilabel)
        timed_on.append(f"{rows:,} rows")
        if case.plain_budget:
            budget = case.plain_budget
            timed_on.append(f"a batch of {budget:,}")
    handed = {"ask": lambda indices: truth[indices], "truth": truth, "fit": no_fit}
    extra |= {key: handed[key] for key in handed if key in inspect.signature(form).parameters}

    def seconds(picks: int) -> float:
        rng = np.random.default_rng(0)
        return clock.seconds(lambda: form(pool, picks, rng, **extra))

    clock = Device("cpu", options.clock)
    if case.plain_picks and case.plain_picks < budget:
        some, once = (min(seconds(picks) for _ in range(2)) for picks in (case.plain_picks, 1))
        timed_on.insert(0, f"{case.plain_picks} picks")
        each = max(some - once, 0) / (case.plain_picks - 1)
        return scale * (once + (budget - 1) * each), timed_on
    return scale * seconds(budget), timed_on or ["all"]


if __name__ == "__main__":
    sys.exit(main())
