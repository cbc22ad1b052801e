"""BatchNorms folded into convolutions: the same function, made of ordinary tensors."""

import pytest
import torch

from helpers.batch_norms import randomise_statistics
from labelbench_core.backbones import efficientnet_lite, timm_model
from labelbench_core.backbones.folding import fold_batch_norm
from labelbench_core.backbones.shared import building
from labelbench_core.embeddings.features import FeatureExtractor

pytestmark = pytest.mark.usefixtures("one_thread")


def build(model, size=32):
    backbone = timm_model.build(model=model, pretrained=False, input_size=size)
    randomise_statistics(backbone.model)
    return backbone.model


@pytest.mark.parametrize(
    ("model", "count"), [("test_efficientnet", 13), ("test_resnet", 15), ("test_vit", 0)]
)
def test_folding_keeps_the_function_and_leaves_the_original(model, count):
    original = build(model)
    before = building.hash_weights(original)
    images = torch.randn((4, 3, 32, 32), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = original(images)
        folded, folds = fold_batch_norm(original, 32)
        found = folded(images)
    assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.abs().max())
    assert building.hash_weights(original) == before
    assert len(folds) == count
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())


def test_folding_a_trained_network_changes_nothing_but_rounding():
    lite = efficientnet_lite.build(input_size=32)
    folded, _ = fold_batch_norm(lite.model, 32)
    images = torch.rand((2, 3, 32, 32), generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(folded(images), lite.model(images), rtol=1e-3, atol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())


def test_what_was_trained_before_folding_is_trained_after_it():
    def trained(model):
        return {name: p.requires_grad for name, p in model.named_parameters()}

    model = build("test_efficientnet")
    folded, folds = fold_batch_norm(model, 32)
    assert all(trained(folded).values())
    assert {f"{fold.conv}.bias" for fold in folds} <= set(trained(folded))
    # Adapters leave all but themselves as it is.
    folded, _ = fold_batch_norm(model.requires_grad_(False), 32)
    assert not any(trained(folded).values())


class TwoReaders(torch.nn.Module):
    """Its convolution feeds a BatchNorm and a sum."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4)

    def forward(self, images):
        plain = self.conv(images)
        return (plain + self.norm(plain)).mean((2, 3))


class CalledTwice(TwoReaders):
    """Its BatchNorm is used after the convolution, and once more."""

    def forward(self, images):
        return self.norm(self.norm(self.conv(images))).mean((2, 3))


class WithoutAffine(TwoReaders):
    """Neither the BatchNorm nor the convolution has a bias of its own."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 1, bias=False)
        self.norm = torch.nn.BatchNorm2d(4, affine=False)
        self.norm.running_mean.fill_(0.3)

    def forward(self, images):
        return self.norm(self.conv(images)).mean((2, 3))


@pytest.mark.parametrize("network", [TwoReaders, CalledTwice])
def test_folding_is_refused_where_it_would_change_the_function(network):
    model = network().eval()
    randomise_statistics(model)
    same, folds = fold_batch_norm(model, 8)
    assert same is model
    assert folds == []


def test_folding_without_weights_of_the_norm():
    model = WithoutAffine().eval()
    folded, folds = fold_batch_norm(model, 8)
    assert len(folds) == 1
    assert not folds[0].had_bias
    image = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(folded(image), model(image))


@pytest.mark.parametrize("model", ["test_efficientnet", "test_vit"])
def test_no_tensor_of_inference_mode_is_left(model):
    """Such tensors cannot be trained, and fail in inference on small batches, too."""
    backbone = timm_model.build(model=model, pretrained=False, input_size=32)
    extractor = FeatureExtractor(backbone, "cpu", "float32")
    folded, _ = fold_batch_norm(backbone.model, 32)
    for network in (backbone.model, extractor.model, folded):
        tensors = [*network.parameters(), *network.buffers()]
        assert tensors
        assert not any(tensor.is_inference() for tensor in tensors)
    assert extractor.model is not backbone.model
