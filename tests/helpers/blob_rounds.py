"""Settings of rounds on three Gaussian classes."""

SETTINGS = {
    "dataset": "blobs",
    "backbone": "none",
    "seed": 0,
    "proxy": {"id": "linear", "implementation": "linear"},
    "schedule": {"id": "s", "initial": 12, "batch": 8},
    "strategy": {"id": "margin", "implementation": "margin"},
}
