"""The strategies on tensors of the device, at the sizes of CIFAR-10 and of ImageNet."""

import numpy as np
import torch

from benchmarks.gpu._machine import Machine
from benchmarks.gpu._results import PASSED, SKIPPED, Row
from labelbench_core.strategies import Head, Pool, select

LABELED = 1000
DIMS = 512
# How often the embeddings' memory is needed: rows, what is computed of them, and probabilities.
COPIES = 4


def check_kernel(
    machine: Machine, name: str, strategy: str, rows: int, classes: int, budget: int
) -> Row:
    """Rows of the pool per second of a whole selection, best of two; both pick the same."""
    needed = COPIES * 4 * rows * (DIMS + classes) / 2**30
    if machine.memory_gb is not None and needed > machine.memory_gb:
        why = f"needs about {needed:.0f} GB of memory; the GPU has {machine.memory_gb:.0f}"
        return Row(name, SKIPPED, note=why)
    pool, labels = make_pool(machine.device, rows, classes)
    picks: list[np.ndarray] = []

    def work() -> None:
        rng = np.random.default_rng(0)
        picks.append(select(strategy, pool, budget, rng, ask=lambda asked: labels[asked]))

    machine.forget_memory()
    seconds = min(machine.seconds(work) for _ in range(2))
    if not np.array_equal(*picks):
        raise AssertionError("two runs with one seed select different rows")
    memory = machine.most_memory_gb()
    note = f"{seconds:.2f} s for {budget:,} of {rows:,} rows, {classes:,} classes"
    return Row(name, PASSED, rate=rows / seconds, memory_gb=memory, note=note)


def make_pool(device: torch.device, rows: int, classes: int) -> tuple[Pool, np.ndarray]:
    """Overlapping clusters on the device, a head that knows them roughly, and the rows' labels."""
    generator = torch.Generator(device).manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, device=device)

    labels = torch.randint(classes, (rows,), generator=generator, device=device)
    centers = normal(classes, DIMS)
    embeddings = normal(rows, DIMS)
    embeddings += centers[labels]
    head = Head((0.05 * centers.T).cpu().numpy(), np.zeros(classes, np.float32))
    labeled = np.random.default_rng(0).permutation(rows)[:LABELED]
    truth = labels.cpu().numpy()
    pool = Pool(
        embeddings=embeddings,
        probabilities=head.predict_proba(embeddings),
        labeled=labeled,
        labels=truth[labeled],
        num_classes=classes,
        head=head,
    )
    return pool, truth
