"""The network that is fine-tuned: where it starts, its mode, its file."""

import numpy as np
import pytest
import torch

from helpers.batch_norms import randomise_statistics
from labelbench_core import registry
from labelbench_core.backbones.folding import fold_batch_norm
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for
from labelbench_core.training.network import Network, load_network, set_head


def build(model, size=32):
    module = registry.load("backbones", "timm-model")
    backbone = module.build(model=model, pretrained=False, input_size=size)
    randomise_statistics(backbone.model)
    return backbone


def test_network_starts_at_the_proxys_predictions():
    backbone = build("test_efficientnet", 16)
    rng = rng_for("head")
    weights = rng.normal(0, 0.1, (256, 10)).astype(np.float32)
    bias = rng.normal(0, 0.1, 10).astype(np.float32)
    pixels = torch.from_numpy(rng.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8))
    with torch.no_grad():
        inputs = backbone.preprocess(pixels)
        features = backbone.model(inputs).numpy()
        folded, _ = fold_batch_norm(backbone.model, 16)
        network = Network(folded, 256, 10)
        set_head(network, weights, bias)
        logits = network(inputs).numpy()
    assert np.allclose(logits, features @ weights + bias, atol=1e-4)
    assert np.ptp(logits, axis=1).min() > 1e-2


def test_damaged_weights_are_named(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"model\.safetensors"):
        load_network(path, torch.nn.Identity())
