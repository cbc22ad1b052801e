"""Data sets that are not there, as planning knows them: what a prepared one says of its sizes."""

from labelbench_core.storage.records import write_record

SIZES = {
    "digits": {"pool": 1297, "test": 500},
    "fashion-mnist": {"pool": 60_000, "test": 10_000},
    "cifar-10": {"pool": 50_000, "test": 10_000},
    "cifar-10-5000": {"pool": 5_000, "test": 10_000},
    "cifar-10-labelbench": {"pool": 50_000, "val": 5_000, "test": 5_000},
    "cifar-100": {"pool": 50_000, "test": 10_000},
    "cifar-100-labelbench": {"pool": 50_000, "val": 5_000, "test": 5_000},
    "imagenet": {"pool": 1_281_167, "test": 50_000},
    "imagenet-labelbench": {"pool": 1_281_167, "val": 12_500, "test": 37_500},
    "fmow": {"pool": 76_863, "val": 11_483, "test": 11_327},
    "iwildcam": {"pool": 129_809, "val": 7_314, "test": 8_154},
    "iwildcam-14": {"pool": 129_809, "val": 7_314, "test": 8_154},
}
"""Rows of the official splits, those of shifted ones left out."""


def place(folder, catalogue, datasets):
    """Say in `folder`, where results are, that data sets of the catalogue are prepared."""
    for dataset in datasets:
        entry = catalogue["datasets"][dataset]
        splits = {
            name: {"num_rows": rows, "storage": "files"} for name, rows in SIZES[dataset].items()
        }
        manifest = folder / "results" / "datasets" / dataset / "manifest.json"
        manifest.parent.mkdir(parents=True)
        write_record(
            manifest,
            "data set",
            {
                **{"dataset": dataset, "source": entry["implementation"]},
                "options": entry.get("options") or {},
                "pool_size": entry.get("pool_size"),
                **{"num_classes": 2, "class_names": ["a", "b"], "splits": splits, "arrays": {}},
                "fingerprint": "placeholder",
            },
        )
