"""Torch's optimisers, set up to be cheap for short trainings."""

from __future__ import annotations

from typing import TypeVar, cast

import torch

Kind = TypeVar("Kind", bound=torch.optim.Optimizer)


def _without_compiler(kind: type[Kind]) -> type[Kind]:
    """`kind`, with the same results, that does not import torch's compiler.

    Torch wraps some methods of its optimisers so that a compiled program can contain them, and the
    wrappers import the compiler: more than a second, where training a proxy takes two. Only
    networks are compiled here. What a wrapper wraps is `__wrapped__` (`functools.wraps`); a method
    that some release of torch does not wrap is taken as it is.
    """
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {
        name: getattr(getattr(kind, name), "__wrapped__", getattr(kind, name)) for name in names
    }
    step = getattr(kind.step, "__wrapped__", kind.step)
    made = type(kind.__name__, (kind,), {**methods, "step": torch.no_grad()(step)})
    return cast("type[Kind]", made)


SGD = _without_compiler(torch.optim.SGD)
Adam = _without_compiler(torch.optim.Adam)
AdamW = _without_compiler(torch.optim.AdamW)
