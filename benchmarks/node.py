"""Where the time of a round with few labels goes, against what reading and multiplying alone take.

    python -m benchmarks.node [--rounds 20] [--strategies margin badge …]

A chain of rounds of 10 labels on CIFAR-10's 50,000 × 1,280 embeddings, one thread, as the workflow
runs it (see `benchmarks.round` for the embeddings). CPU seconds of a node, the mean over its rounds
from the second on, and of its phases, as its log has them: `start` is Python with NumPy, `import`
what a round imports beside it, `rest` opening and verifying files and writing. The floor is one
reading of the embeddings' bytes and the products that score the pool and evaluate pool and test, on
numbers that are in single precision already. What Snakemake adds: `benchmarks.rounds`.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks._chain import Chain, proxy_entry, timed
from benchmarks.round import SETTING, embeddings_of_cifar

SMALL = {**SETTING, "schedule": {"id": "start-10-batch-10", "initial": 10, "batch": 10}}
PHASES = ("score the pool", "select", "train", "evaluate")
IMPORTS = "import workflow_scripts.select_round"


def floor() -> float:
    """CPU seconds of reading 128 MB, and of both products."""
    rows = np.zeros((50_000, 1280), np.float16)
    rows[:] = np.random.default_rng(0).standard_normal(1280).astype(np.float16)
    single = rows[:10_000].astype(np.float32)
    weights = np.ones((1280, 10), np.float32)
    started = time.process_time()
    rows.view(np.int64).sum()
    for _ in range(5 + 6):  # the pool; the pool and the test
        single @ weights
    return time.process_time() - started


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    names = ["random", "margin", "galaxy", "coreset", "badge", "typiclust"]
    parser.add_argument("--strategies", nargs="+", default=names)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        manifests = embeddings_of_cifar(folder)
        start = min(timed([sys.executable, "-c", "import numpy"], folder).cpu for _ in range(5))
        imported = min(timed([sys.executable, "-c", IMPORTS], folder).cpu for _ in range(5)) - start
        print(f"floor: {min(floor() for _ in range(3)):.3f} CPU s\n")
        print("| strategy | node | start | import | " + " | ".join(PHASES) + " | rest |")
        print("|---|" + "---:|" * (4 + len(PHASES)))
        for name in arguments.strategies:
            chain = Chain(folder / name, SMALL, manifests, None, name, proxy_entry("linear"))
            nodes, phases = [], []
            for number in range(arguments.rounds):
                taken = chain.run(number)
                if number > 1:
                    nodes.append(taken.cpu)
                    phases.append([chain.phases(number).get(one, 0.0) for one in PHASES])
            node, parts = float(np.mean(nodes)), np.mean(phases, axis=0)
            rest = node - start - imported - float(parts.sum())
            cells = [node, start, imported, *parts.tolist(), rest]
            print(f"| `{name}` | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
