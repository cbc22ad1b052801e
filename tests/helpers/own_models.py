"""What tests of one's own models have in common."""

GIVEN = {
    "mean": [0.5] * 3,
    "std": [0.5] * 3,
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
"""A preprocessing, which files of weights do not tell."""
