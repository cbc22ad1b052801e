"""Where torch computes."""

import os


def choose_device() -> str:
    """The environment variable LABELBENCH_DEVICE, else a GPU if there is one, else the CPU."""
    import torch

    # Read when cuBLAS starts: without it, its results can differ from run to run.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return os.environ.get("LABELBENCH_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu")


def device_name(device: str) -> str:
    """Which kind of device computes: two kinds round differently."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device
