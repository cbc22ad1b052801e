"""Estimates of floating-point operations: what is counted, and that nothing is changed by it."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from labelbench_core.backbones.shared import libraries
from labelbench_core.compute.flops import flops_per_image
from labelbench_core.proxies import Statistics, TrainingSet
from labelbench_core.proxies.shared.trained import train_on_embeddings
from labelbench_core.storage.rows import ArrayRows

SIZE, WIDTH, TOKENS = 8, 16, 4


class Attention(nn.Module):
    """An attention module of torch's own on four patches of 4 × 4 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 4, stride=4)
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        return self.attention(tokens, tokens, tokens, need_weights=False)[0].mean(dim=1)


def test_attention_is_counted_although_inference_fuses_it() -> None:
    patches = 2 * WIDTH * 3 * 4**2 * TOKENS
    projections = 4 * 2 * TOKENS * WIDTH**2
    products = 2 * 2 * TOKENS**2 * WIDTH
    for fused in (True, False):
        torch.backends.mha.set_fastpath_enabled(fused)
        try:
            found = flops_per_image(Attention().eval(), SIZE)
            assert torch.backends.mha.get_fastpath_enabled() == fused
        finally:
            torch.backends.mha.set_fastpath_enabled(True)
        assert found == patches + projections + products


@pytest.mark.parametrize(
    "name",
    ["test_efficientnet", "test_vit", "tf_efficientnet_lite0", "test_convnext", "ViT-S-32-alt"],
)
def test_as_many_as_torch_counts(name: str) -> None:
    if name == "ViT-S-32-alt":
        network, size = libraries.open_clip().create_model(name).visual, 224
    else:
        network, size = libraries.timm().create_model(name), 160
    network.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            network(torch.zeros(1, 3, size, size))
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    assert flops_per_image(network, size) == counter.get_total_flops() > 0


@pytest.mark.parametrize(
    ("trainer", "passes"),
    [
        ("supervised", 8 * 3),  # forward, and two backward
        ("pseudo-label", 8 * 3 + 16 * 3),  # one view, with a gradient
        ("fixmatch", 8 * 3 + 16 * (3 + 1)),  # the weak view has none
    ],
)
def test_a_training_is_counted_by_hand(trainer: str, passes: int) -> None:
    rng = np.random.default_rng(0)
    pool = ArrayRows(rng.standard_normal((40, 5), dtype=np.float32))
    training = TrainingSet(
        pool,
        np.arange(12),
        np.arange(12) % 10,
        10,
        Statistics(np.zeros(5), np.ones(5)),
        views={"weak": [pool], "strong": [pool]},
    )
    steps = {"steps": 3, "batch_size": 8, "unlabeled_ratio": 2, "warmup_steps": 0, "head": "fresh"}
    entry = {"id": trainer, "implementation": trainer, "training": steps}
    _, record = train_on_embeddings(training, 0, entry, rng, 1)
    assert record["steps"] == 3
    assert record["flops"] == 3 * passes * 2 * (5 * 10 + 10)
