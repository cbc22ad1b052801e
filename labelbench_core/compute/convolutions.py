"""Gradients of small convolutions on a CPU.

oneDNN computes the gradient of a convolution's weights by a general loop where it has no kernel for
the CPU at hand, as for depthwise convolutions without AVX-512; on maps of a few pixels that is most
of the time of a training step. `fast_gradients` computes these gradients, and those of 1 x 1
convolutions on few pixels, by sums and products of matrices: the same sums, rounded differently.
With AVX-512 nothing was measured, and oneDNN's own gradients are kept.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

# Where sums were faster than oneDNN (AVX2): pixels of the output of one image for depthwise ones,
# rows of the product, images times pixels, for 1 x 1.
MOST_PIXELS = 64
MOST_ROWS = 256

HeightWidth = tuple[int, int]


@contextlib.contextmanager
def fast_gradients(device: torch.device) -> Generator[None]:
    """Within it, small convolutions in float32 have faster gradients on a CPU; see above."""
    is_slow = device.type == "cpu" and "AVX512" not in torch.backends.cpu.get_cpu_capability()
    with _Convolutions() if is_slow else contextlib.nullcontext():
        yield


class _Convolutions(TorchFunctionMode):
    """Replaces `conv2d` where the gradient of its weights is faster here."""

    def __torch_function__(
        self, func: Callable, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is torch.nn.functional.conv2d and torch.is_grad_enabled():
            given = _given(*args, **kwargs)
            if given is not None:
                return _Convolution.apply(*given)
        return func(*args, **kwargs)


def _given(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: int | HeightWidth = 1,
    padding: int | HeightWidth | str = 0,
    dilation: int | HeightWidth = 1,
    groups: int = 1,
) -> tuple[Any, ...] | None:
    """What `_Convolution` takes; None where it is not faster, or does not apply."""
    if not weight.requires_grad or x.dtype != torch.float32 or x.ndim != 4:
        return None
    if isinstance(padding, str) or _pair(dilation) != (1, 1) or x.dtype != weight.dtype:
        return None
    stride, padding = _pair(stride), _pair(padding)
    kernel = weight.shape[2:]
    pixels = 1
    for size, width, step, pad in zip(x.shape[2:], kernel, stride, padding, strict=True):
        pixels *= (size + 2 * pad - width) // step + 1
    is_depthwise = groups > 1 and groups == x.shape[1] == weight.shape[0]
    is_product = groups == 1 and kernel == (1, 1) and stride == (1, 1) and padding == (0, 0)
    if (is_depthwise and pixels <= MOST_PIXELS) or (is_product and len(x) * pixels <= MOST_ROWS):
        return x, weight, bias, stride, padding, groups
    return None


class _Convolution(torch.autograd.Function):
    """`conv2d`, whose weights' gradient is computed here."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        stride: HeightWidth,
        padding: HeightWidth,
        groups: int,
    ) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.options = bias is not None, stride, padding, groups
        return torch.conv2d(x, weight, bias, stride, padding, 1, groups)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,) = gradients
        x, weight = ctx.saved_tensors
        has_bias, stride, padding, groups = ctx.options
        of_x = of_weight = of_bias = None
        needs_x, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        if groups == 1:
            if needs_x:
                images, _, *size = x.shape
                rows = _rows(gradient) @ weight.flatten(1)
                of_x = rows.view(images, *size, -1).permute(0, 3, 1, 2)
            if needs_weight:
                of_weight = (_rows(gradient).T @ _rows(x)).view_as(weight)
        else:
            if needs_x:
                # Without the bias's gradient: oneDNN would compute the weights' with it.
                mask = (True, False, False)
                options = (None, stride, padding, (1, 1), False, (0, 0), groups, mask)
                of_x = torch.ops.aten.convolution_backward(gradient, x, weight, *options)[0]
            if needs_weight:
                of_weight = depthwise_gradient(x, gradient, weight.shape, stride, padding)
        if has_bias and needs_bias:
            of_bias = gradient.sum((0, 2, 3))
        return of_x, of_weight, of_bias, None, None, None


def depthwise_gradient(
    x: torch.Tensor,
    gradient: torch.Tensor,
    shape: torch.Size | tuple[int, int, int, int],
    stride: HeightWidth = (1, 1),
    padding: HeightWidth = (0, 0),
) -> torch.Tensor:
    """Gradient of the weights of a depthwise convolution.

    Parameters
    ----------
    x
        (N, C, H, W), its input.
    gradient
        (N, C, H', W'), of its output.
    shape
        (C, 1, h, w), of its weights.

    Returns
    -------
    The gradient, of `shape`. Each of the h w values of a channel is a sum over the pixels that it
    meets; those that meet nothing but the padding are zero.
    """
    x, gradient = x.permute(0, 2, 3, 1), gradient.permute(0, 2, 3, 1)
    channels, _, height, width = shape
    found = x.new_zeros(height, width, channels)
    for row in range(height):
        own_rows, rows = _meeting(row, x.shape[1], gradient.shape[1], stride[0], padding[0])
        for column in range(width):
            own, columns = _meeting(column, x.shape[2], gradient.shape[2], stride[1], padding[1])
            product = x[:, own_rows, own] * gradient[:, rows, columns]
            if product.numel():
                found[row, column] = product.reshape(-1, channels).sum(dim=0)
    return found.permute(2, 0, 1).unsqueeze(1)


def _meeting(
    offset: int, size: int, outputs: int, stride: int, padding: int
) -> tuple[slice, slice]:
    """The pixels of the input that a weight meets, and the outputs for which it does, in a line."""
    first = max(0, -((offset - padding) // stride))
    last = min(outputs - 1, (size - 1 + padding - offset) // stride)
    start = first * stride + offset - padding
    count = max(0, last - first + 1)
    end = start + (count - 1) * stride + 1 if count else start
    return slice(start, end, stride), slice(first, first + count)


def _rows(images: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) as a matrix of its pixels, (N H W, C)."""
    return images.permute(0, 2, 3, 1).reshape(-1, images.shape[1])


def _pair(value: int | HeightWidth) -> HeightWidth:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))
