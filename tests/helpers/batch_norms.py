"""Networks whose BatchNorms matter."""

import torch


def randomise_statistics(model):
    """BatchNorms that change something."""
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
