"""Estimates of floating-point operations: what is counted, and that nothing is changed by it."""

import torch
from torch import nn

from labelbench_core.flops import flops_per_image

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
