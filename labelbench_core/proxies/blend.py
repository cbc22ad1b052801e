"""A linear probe on a pool that is re-embedded every few rounds by the network fine-tuned so far.

Between two refreshes a round costs as much as with the proxy `linear`. After every `refresh_every`
rounds the backbone is fine-tuned, from its pretrained weights, on all labels bought until then, and
the pool embedded with it; both are separate stages of the workflow, cached like the first
embeddings. The round after a refresh trains the probe again before it selects.
"""

from typing import Annotated

import numpy as np

from labelbench_core.proxies import Statistics
from labelbench_core.proxies.linear import LinearProxy
from labelbench_core.registry.options import Count, Penalty, Positive, Reference

INFO = {
    "summary": "linear probe; every few rounds the backbone is fine-tuned and the pool re-embedded",
    "paper": "after Zhang et al. 2024 (LabelBench); Coleman et al., ICLR 2020",
    "provides": ["probabilities", "head"],
    "cost": "that of the linear proxy; a fine-tuning and N passes every few rounds",
    "needs_torch": False,
    "weighted": True,
}


class BlendProxy(LinearProxy):
    """A `LinearProxy` whose head fits other features than the pretrained backbone gives."""

    def arrays(self) -> dict[str, np.ndarray]:
        """The trained head: `head_weights`, `head_bias`."""
        return {f"head_{name}": values for name, values in super().arrays().items()}

    def restore(self, arrays: dict[str, np.ndarray], statistics: Statistics) -> "BlendProxy":
        """Take over a trained head from `arrays`."""
        head = {name: arrays[f"head_{name}"] for name in ("weights", "bias")}
        return super().restore(head, statistics)


def build(
    threads: int = 1,
    *,
    trainer: Annotated[str, Reference("trainers")] = "finetune-supervised",
    refresh_every: Count = 3,
    penalty: Penalty | None = None,
    tolerance: Positive = 1e-3,
    max_iterations: Count = 500,
) -> BlendProxy:
    """A linear probe on embeddings that are refreshed.

    Parameters
    ----------
    threads
        Threads to use; no influence on the result.
    trainer
        Id in the catalogue's trainers.yaml of the trainer of the backbone, with `head: fresh`.
        Default: ours.
    refresh_every
        Number of rounds from one refresh of the embeddings to the next. Default: ours.
    penalty
        Penalty per label: the objective is the mean loss plus penalty / 2 times the squared norm of
        the weights of standardised features. null: chosen by cross-validation on the labels bought.
        Default: ours.
    tolerance
        Stop when the gradient's norm is this fraction of its norm at zero weights. Default: ours.
    max_iterations
        Iterations after which the search for the optimum stops; the round's record then says
        `converged: false`. Default: ours.
    """
    return BlendProxy(penalty, tolerance, max_iterations, threads)
