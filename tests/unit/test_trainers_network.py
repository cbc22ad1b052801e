"""The network that is fine-tuned: folding of BatchNorm, where it starts, its file."""

import numpy as np
import pytest
import torch

from labelbench_core import registry
from labelbench_core.errors import InputError
from labelbench_core.seeds import rng_for
from labelbench_core.trainers._network import Network, fold_batch_norm, load_network, set_head


def randomise_statistics(model):
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            for tensor, low in (
                (module.running_mean, -0.5),
                (module.running_var, 0.5),
                (module.weight.data, 0.5),
                (module.bias.data, -0.5),
            ):
                tensor.uniform_(low, low + 1.0, generator=generator)


def build(model, size=32):
    module = registry.load("backbones", "timm-model")
    backbone = module.build(model=model, pretrained=False, input_size=size)
    randomise_statistics(backbone.model)
    return backbone


@pytest.mark.parametrize(
    ("model", "count"), [("test_efficientnet", 13), ("test_resnet", 15), ("test_vit", 0)]
)
def test_folding_keeps_the_function_and_leaves_the_original(model, count):
    original = build(model).model
    images = torch.from_numpy(rng_for("images").normal(size=(4, 3, 32, 32)).astype(np.float32))
    with torch.no_grad():
        expected = original(images)
        folded, folds = fold_batch_norm(original, 32)
        assert torch.allclose(folded(images), expected, rtol=1e-3, atol=1e-4 * expected.abs().max())
        assert torch.equal(original(images), expected)
    assert len(folds) == count
    left = sum(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    assert left == 0


def test_what_was_trained_before_folding_is_trained_after_it():
    def trained(model):
        return {name: p.requires_grad for name, p in model.named_parameters()}

    model = build("test_efficientnet").model
    folded, folds = fold_batch_norm(model, 32)
    assert all(trained(folded).values())
    assert {f"{fold.conv}.bias" for fold in folds} <= set(trained(folded))
    # Adapters leave all but themselves as it is.
    folded, _ = fold_batch_norm(model.requires_grad_(False), 32)
    assert not any(trained(folded).values())


def test_folding_is_refused_where_it_would_change_the_function():
    class TwoReaders(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4)

        def forward(self, images):
            plain = self.conv(images)
            return (plain + self.norm(plain)).mean((2, 3))

    model = TwoReaders().eval()
    randomise_statistics(model)
    same, folds = fold_batch_norm(model, 8)
    assert same is model
    assert folds == []


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
