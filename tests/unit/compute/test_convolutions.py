"""Gradients of small convolutions are those of torch, and torch's are used for all others."""

import pytest
import torch
from torch.nn.functional import conv2d

from labelbench_core.compute import convolutions
from labelbench_core.compute.convolutions import fast_gradients

CPU = torch.device("cpu")
DEPTHWISE = [
    # size, kernel, stride, padding
    (2, 5, 1, 2),
    (4, 5, 1, 2),
    (7, 3, 1, 1),
    (7, 5, 2, 0),
    (7, 3, 2, 1),
    (5, 3, 3, 2),
    (1, 5, 1, 2),
    (3, 1, 2, 0),
]


@pytest.fixture(autouse=True)
def capability(monkeypatch):
    """What torch says of the CPU, of any that runs the tests."""
    told = {"capability": "AVX2"}
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: told["capability"])
    return told


def gradients(x, weight, bias, *options, fast):
    inputs = [tensor.clone().requires_grad_() for tensor in (x, weight, bias)]
    with fast_gradients(CPU if fast else torch.device("meta")):
        out = conv2d(*inputs, *options)
    direction = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    return [out.detach(), *torch.autograd.grad(out, inputs, direction.to(out.dtype))]


@pytest.fixture
def used(monkeypatch):
    """How often the gradient of this module was computed."""
    calls = []
    backward = convolutions._Convolution.backward

    def counted(*arguments):
        calls.append(1)
        return backward(*arguments)

    monkeypatch.setattr(convolutions._Convolution, "backward", staticmethod(counted))
    return calls


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), DEPTHWISE)
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_a_depthwise_convolution_has_the_gradients_of_torch(
    size, kernel, stride, padding, layout, used
):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 6, size, size + 1, generator=generator).to(memory_format=layout)
    weight = torch.randn(6, 1, kernel, kernel, generator=generator)
    bias = torch.randn(6, generator=generator)
    expected = gradients(x, weight, bias, stride, padding, 1, 6, fast=False)
    found = gradients(x, weight, bias, stride, padding, 1, 6, fast=True)
    assert used == [1]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_a_small_product_has_the_gradients_of_torch(used):
    x, weight, bias = torch.randn(2, 5, 3, 4), torch.randn(7, 5, 1, 1), torch.randn(7)
    expected = gradients(x, weight, bias, fast=False)
    found = gradients(x, weight, bias, fast=True)
    assert used == [1]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("x", "weight", "options"),
    [
        pytest.param((2, 6, 16, 16), (6, 1, 3, 3), (1, 1, 1, 6), id="large map"),
        pytest.param((2, 6, 4, 4), (12, 1, 3, 3), (1, 1, 1, 6), id="two filters a channel"),
        pytest.param((2, 6, 4, 4), (6, 3, 3, 3), (1, 1, 1, 2), id="two groups"),
        pytest.param((2, 6, 4, 4), (6, 1, 3, 3), (1, 1, 2, 6), id="dilated"),
        pytest.param((2, 6, 4, 4), (6, 1, 3, 3), (1, "same", 1, 6), id="padding by name"),
        pytest.param((20, 6, 4, 4), (5, 6, 1, 1), (), id="many rows"),
        pytest.param((2, 6, 4, 4), (5, 6, 3, 3), (1, 1), id="full kernel"),
    ],
)
def test_other_convolutions_are_left_to_torch(x, weight, options, used):
    weights = torch.randn(weight)
    found = gradients(torch.randn(x), weights, torch.randn(weight[0]), *options, fast=True)
    assert used == []
    assert found[2].shape == weights.shape


def test_only_float32_with_a_gradient_is_taken(used):
    x, weight = torch.randn(2, 6, 4, 4), torch.randn(6, 1, 3, 3)
    gradients(x.double(), weight.double(), torch.randn(6).double(), 1, 1, 1, 6, fast=True)
    with fast_gradients(CPU):
        out = conv2d(x.requires_grad_(), weight, None, 1, 1, 1, 6)
    out.sum().backward()
    assert used == []


def test_with_avx512_all_are_left_to_torch(used, capability):
    capability["capability"] = "AVX512"
    x, weight, bias = torch.randn(2, 6, 4, 4), torch.randn(6, 1, 3, 3), torch.randn(6)
    gradients(x, weight, bias, 1, 1, 1, 6, fast=True)
    assert used == []


def test_a_network_trains_to_the_same_weights(used):
    def trained(device):
        torch.manual_seed(0)
        network = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 1),
            torch.nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
            torch.nn.Flatten(),
            torch.nn.Linear(8 * 16, 3),
        )
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        images, labels = torch.randn(6, 3, 4, 4), torch.arange(6) % 3
        with fast_gradients(torch.device(device)):
            for _ in range(3):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(network(images), labels).backward()
                optimizer.step()
        return torch.nn.utils.parameters_to_vector(network.parameters())

    torch.testing.assert_close(trained("cpu"), trained("meta"), rtol=1e-5, atol=1e-6)
    assert len(used) == 6
