"""A fine-tuning of a small random network on digits, and the files of the round it is made from."""

import numpy as np

from labelbench_core.datasets import open_dataset
from labelbench_core.datasets.preparing.prepare import prepare_dataset
from labelbench_core.seeds import rng_for
from labelbench_core.storage.round_files import Round, write_round

BACKBONE = {"model": "test_efficientnet", "pretrained": False, "input_size": 16}
IDS = {
    "dataset": "digits",
    "backbone": "tiny",
    "proxy": "linear",
    "schedule": "small",
    "strategy": "random",
    "seed": 0,
    "round": 1,
}


def prepare(folder):
    """The data set, prepared in `folder`."""
    prepare_dataset("digits", "digits", {}, folder, folder / "arrays", folder / "manifest.json")
    return open_dataset(folder)


def draw():
    """A round's arrays: 40 labels and a head."""
    rng = rng_for("bought")
    return {
        "labeled": rng.permutation(1297)[:40],
        "weights": rng.normal(0, 0.1, (256, 10)).astype(np.float32),
        "bias": rng.normal(0, 0.1, 10).astype(np.float32),
    }


def settings(**options):
    """What the job is given; `options` of the training."""
    defaults = {
        "steps": 6,
        "batch_size": 16,
        "warmup_steps": 2,
        "learning_rate": 3e-3,
        "evaluate": ["test"],
    }
    return {
        **IDS,
        "backbone": {"id": "tiny", "implementation": "timm-model", "options": BACKBONE},
        "trainer": {
            "id": "short",
            "implementation": "supervised",
            "training": {**defaults, **options},
        },
    }


def stored(folder, dataset, bought, **changes):
    """The files of a round with these arrays: record and arrays."""
    paths = folder / "round-1.json", folder / "round-1.npz"
    record = {
        **IDS,
        "dataset_fingerprint": dataset.manifest["fingerprint"],
        "num_labeled": len(bought["labeled"]),
        **{"bought": [], "state": {}, "metrics": {}, "fit": {}, "source": "", "previous": {}},
        **changes,
    }
    write_round(*paths, Round(record, bought))
    return paths
