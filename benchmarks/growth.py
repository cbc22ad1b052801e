"""How time and memory grow with the pool, up to ImageNet's size: 1,281,167 x 512, 1,000 classes.

    python -m benchmarks.growth --output growth.json --figure docs/images/growth.png

Every run is a process of its own that does what a round does: it opens float16 embeddings in a Zarr
store (synthetic ones, in a temporary folder), and selects with the proxy's view of them, streamed
where it exceeds `pool_views.DENSE_BYTES`. As many rows are labelled as are bought.

- `CPU s`: of scoring and selecting, all threads together; what else the machine does enters it less
  than it does `seconds`, the wall clock.
- `peak MB`: the process's largest resident set, pages of the store that it has mapped included;
  `own MB`: the most of it that was anonymous, which nothing can take back, sampled every 10 ms.
- `products`: CPU seconds of the matrix products that the method cannot do without, at the speed at
  which one thread multiplies 2048 x 2048 matrices, the best of five, in the same process:
  - whatever needs probabilities: rows times head, N D C, in float32;
  - coreset: a pick is known to be farthest by its distances to all centres before it,
    b (L + b/2) D, and any other row to be nearer by one, N D; in float32;
  - badge: likewise b^2/2 (C + D) and N (C + D), in float64.
- `ratio`: CPU seconds over those of products and of `reading`, one pass over the embeddings as the
  strategy sees them.
- `all pairs`: `products` of the plain method, which compares every row with every centre.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._device import status_mb
from benchmarks._synthetic import Mixture
from labelbench_core.proxies import Statistics
from labelbench_core.proxies.linear import LinearProxy
from labelbench_core.registry import describe
from labelbench_core.selection.pool_rows import EmbeddedRows, PredictedRows, in_memory_if_small
from labelbench_core.storage import files, store
from labelbench_core.strategies import Pool, select

PROJECT = Path(__file__).resolve().parents[1]
DIMS, CLASSES = 512, 1000
SIZES = (10_000, 40_000, 160_000, 640_000, 1_281_167)
STRATEGIES = ("random", "margin", "entropy", "power-margin", "coreset", "badge")
BATCHES = (1000, 10_000)
LARGE_BATCH = ("coreset", "badge")  # whose time depends on the batch
COLUMNS = ("batch", "seconds", "CPU s", "peak MB", "own MB", "products", "ratio", "all pairs")
DECIMALS = {"batch": 0, "peak MB": 0, "own MB": 0}
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def write_pool(folder: Path, count: int) -> None:
    """Points like embeddings of a pretrained network: classes overlap, the spectrum decays."""
    rng = np.random.default_rng(0)
    mixture = Mixture(DIMS, CLASSES, separation=1.5)
    rank = len(mixture.spectrum)
    weights = 0.4 * mixture.basis @ (mixture.centers / mixture.spectrum**2 / rank).T
    block_rows = store.rows_per_block(2 * DIMS, count)
    store.create_array(folder / "pool", (count, DIMS), "float16", block_rows)
    for block, first in enumerate(range(0, count, block_rows)):
        _, rows = mixture.points(min(block_rows, count - first), rng)
        rows += 0.15 * rng.standard_normal(rows.shape, dtype=np.float32)
        store.write_block(folder / "pool", block, rows.astype(np.float16))
        if not first:
            arrays = {"mean": rows.mean(axis=0), "std": rows.std(axis=0)}
    bias = -arrays["mean"] @ weights
    files.write_npz(folder / "proxy.npz", weights=weights, bias=bias, **arrays)


class Memory(threading.Thread):
    """Samples the process's anonymous memory until it is told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.own, self.done = 0.0, threading.Event()

    def run(self) -> None:
        """Keep the largest value."""
        while True:
            self.own = max(self.own, status_mb("RssAnon"))
            if self.done.wait(0.01):
                break


def run_one(folder: Path, strategy: str, batch: int, threads: int) -> dict[str, Any]:
    """Select once, as `rounds.next_round` does; what it took. `reading` only reads the pool."""
    rows = store.open_rows(folder / "pool")
    arrays = files.read_npz(folder / "proxy.npz")
    statistics = Statistics(arrays["mean"].astype(np.float64), arrays["std"].astype(np.float64))
    proxy = LinearProxy(None, 1e-3, 10, threads).restore(arrays, statistics)
    bought = np.random.default_rng(1).permutation(len(rows))[:batch]
    memory = Memory()
    memory.start()
    wall, cpu = time.perf_counter(), time.process_time()
    embeddings = EmbeddedRows(proxy, rows, threads)
    if strategy == "reading":
        for _ in embeddings.blocks():
            pass
    else:
        needs = describe("strategies", strategy).info["needs"]
        predicted = PredictedRows(proxy, rows, threads)
        pool = Pool(
            embeddings=in_memory_if_small(embeddings) if "embeddings" in needs else embeddings,
            probabilities=in_memory_if_small(predicted) if "probabilities" in needs else None,
            labeled=bought,
            labels=np.zeros(batch, np.int64),
            num_classes=CLASSES,
            held_out=lambda share: (predicted.take(bought), np.zeros(batch, np.int64)),
        )
        select(strategy, pool, batch, np.random.default_rng(2))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    memory.done.set()
    memory.join()
    return {
        "strategy": strategy,
        "rows": len(rows),
        "batch": batch,
        "seconds": wall,
        "CPU s": cpu,
        "peak MB": status_mb("VmHWM"),
        "own MB": memory.own,
        **products(strategy, len(rows), batch),
    }


def products(strategy: str, count: int, batch: int) -> dict[str, float]:
    """CPU seconds of the matrix products that cannot be avoided, and of all pairs; see above."""
    needs = describe("strategies", strategy).info["needs"] if strategy != "reading" else []
    single, double = (seconds_per_product(dtype) for dtype in ("float32", "float64"))
    predicting = count * DIMS * CLASSES * single if "probabilities" in needs else 0.0
    if strategy == "coreset":
        unavoidable = (batch * (batch + batch / 2) + count) * DIMS * single
        plain = count * 2 * batch * DIMS * single
    elif strategy == "badge":
        unavoidable = (batch**2 / 2 + count) * (DIMS + CLASSES) * double
        plain = count * batch * (DIMS + CLASSES) * double
    else:
        unavoidable = plain = 0.0
    return {"products": predicting + unavoidable, "all pairs": predicting + plain}


def seconds_per_product(dtype: str) -> float:
    """CPU seconds of one thread for one multiplication and addition, the best of five tries."""
    block = np.ones((2048, 2048), dtype)
    seconds = []
    for _ in range(5):
        start = time.thread_time()
        block @ block
        seconds.append(time.thread_time() - start)
    return min(seconds) / 2048**3


def measure(sizes: list[int], strategies: list[str], threads: int) -> Iterator[dict[str, Any]]:
    """What every run took, in processes of their own."""
    with tempfile.TemporaryDirectory() as temporary:
        for count in sizes:
            folder = Path(temporary, str(count))
            folder.mkdir()
            write_pool(folder, count)
            reading = 0.0
            for strategy in ["reading", *strategies]:
                for batch in BATCHES if strategy in LARGE_BATCH else BATCHES[:1]:
                    if 2 * batch >= count:
                        continue
                    command = [sys.executable, "-m", "benchmarks.growth", "--run", str(folder)]
                    command += [strategy, str(batch), str(threads)]
                    output = subprocess.run(
                        command,
                        cwd=PROJECT,
                        env={**os.environ, **ONE_THREAD},
                        check=True,
                        stdout=subprocess.PIPE,
                    )
                    result = json.loads(output.stdout)
                    if strategy == "reading":
                        reading = result["CPU s"]
                    if result["products"]:
                        result["ratio"] = result["CPU s"] / (result["products"] + reading)
                    yield result
            shutil.rmtree(folder)


def draw(results: list[dict[str, Any]], path: Path) -> None:
    """CPU time and memory over the number of rows."""
    from labelbench_core.figures import style

    kinds = list(dict.fromkeys((one["strategy"], one["batch"]) for one in results))
    kinds = [kind for kind in kinds if kind[0] != "reading"]
    names = list(dict.fromkeys(strategy for strategy, _ in kinds))
    looks = style.looks(names, "random", "coreset")
    with style.drawing():
        figure, [[time_axes, memory_axes]] = style.panels(1, 2, 5.0, 4.2)
        for strategy, batch in kinds:
            runs = [one for one in results if (one["strategy"], one["batch"]) == (strategy, batch)]
            large = batch != BATCHES[0]
            look = looks[strategy]
            for axes, key, unit in ((time_axes, "CPU s", 1), (memory_axes, "peak MB", 1024)):
                axes.plot(
                    [one["rows"] for one in runs],
                    [one[key] / unit for one in runs],
                    color=look.color,
                    marker=look.marker,
                    markerfacecolor=style.PAPER if large else look.color,
                    linestyle=":" if large else "-",
                    linewidth=look.width,
                    label=f"{strategy}, batch {batch:,}",
                )
        sizes = sorted({one["rows"] for one in results})
        memory_axes.axhline(4, color=style.MUTED, linewidth=1)
        memory_axes.annotate("4 GB", (sizes[0], 4), va="bottom", color=style.MUTED)
        time_axes.set(title="CPU time of scoring and selecting", ylabel="seconds", yscale="log")
        memory_axes.set(title="Largest resident set", ylabel="GB", ylim=(0, 4.4))
        for axes in (time_axes, memory_axes):
            axes.set(xscale="log", xlabel="rows of the pool")
            axes.set_xticks(sizes, [f"{size / 1000:,.0f}k" for size in sizes])
            axes.minorticks_off()
            axes.grid(axis="y")
        style.legend_above(figure, time_axes.get_legend_handles_labels()[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, metadata={"Software": None})  # no version


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--strategies", nargs="*", default=STRATEGIES)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--output", type=Path, help="JSON: all figures")
    parser.add_argument("--figure", type=Path, help="PNG")
    parser.add_argument("--run", nargs=4, help=argparse.SUPPRESS)  # one run, in this process
    options = parser.parse_args(argv)
    if options.run:
        folder, strategy, batch, threads = options.run
        print(json.dumps(run_one(Path(folder), strategy, int(batch), int(threads))))
        return 0
    print(("{:<14}{:>10}" + "{:>10}" * len(COLUMNS)).format("strategy", "rows", *COLUMNS))
    results: list[dict[str, Any]] = []
    for result in measure(list(options.sizes), list(options.strategies), options.threads):
        numbers = "".join(
            f"{result[key]:>10,.{DECIMALS.get(key, 1)}f}" if result.get(key) else f"{'-':>10}"
            for key in COLUMNS
        )
        print(f"{result['strategy']:<14}{result['rows']:>10,}{numbers}", flush=True)
        results.append(result)
        if options.output:
            files.write_json(options.output, results)
    if options.figure:
        draw(results, options.figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
