"""Chains of rounds on a tiny data set, each file made by the job script that the workflow calls."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.datasets import listing_sha256
from labelbench_core.datasets.files.stored_listing import write_listing
from labelbench_core.seeds import rng_for
from labelbench_core.storage import store
from labelbench_core.storage.records import write_record
from labelbench_core.storage.zero_shot_file import write_head
from workflow_scripts import draw_initial_pool, select_round, train_initial

SIZES = {"pool": 60, "test": 30}
WIDTH, CLASSES = 6, 3
PROXY = {"id": "linear", "implementation": "linear", "options": {"penalty": 1e-3}}


def describe(split: str) -> list[tuple[str, str]]:
    """A listing of files that are not there: path and SHA-256."""
    return [(f"{split}/{row}.png", f"{row:064x}") for row in range(SIZES[split])]


class World:
    """The results of a data set `dataset` and a backbone `backbone`, and the jobs on them."""

    def __init__(self, folder: Path, dataset: str, backbone: str = "tiny") -> None:
        self.folder, self.dataset, self.backbone = folder, dataset, backbone
        self.data = folder / "datasets" / dataset
        self.embeddings = folder / "embeddings" / dataset / backbone
        self.views = folder / "views" / dataset / backbone / "moved"
        self.head = folder / "zero_shot" / dataset / backbone / "head.npz"

    def write_data(self) -> None:
        """The data set: labels, and a listing of images in files."""
        splits, arrays, listings = {}, {}, {}
        for split, (labels, _) in self._rows().items():
            name = f"{split}-labels"
            arrays[name] = store.write_array(self.data / "arrays" / name, labels)
            listed = describe(split)
            path = self.data / "arrays" / f"{split}-files.json"
            listings[split] = write_listing(path, listed)
            splits[split] = {
                **{"num_rows": len(labels), "storage": "files", "image_size": 8},
                "ground": "white",
                "files_sha256": listing_sha256(listed),
            }
        manifest = {
            **{"dataset": self.dataset, "num_classes": CLASSES, "class_names": ["a", "b", "c"]},
            **{"splits": splits, "arrays": arrays, "root": self.dataset},
            "listings": listings,
            "fingerprint": f"fingerprint of {self.dataset}",
        }
        write_record(self.data / "manifest.json", "data set", manifest)

    def write_embeddings(self) -> None:
        """Embeddings, views and a zero-shot head."""
        embedded, viewed, moments = {}, {}, {}
        for split, (_, features) in self._rows().items():
            clean = store.write_array(self.embeddings / "arrays" / f"{split}-clean", features)
            embedded[split] = {"num_rows": len(features), "views": {"clean": clean}}
            if split == "pool":
                moments = {name: getattr(features, name)(0, np.float64) for name in ("mean", "std")}
                weak = store.write_array(self.views / "arrays" / "weak-0", features)
                viewed[split] = {"num_rows": len(features), "views": {"weak-0": weak}}
        made_for = {
            **{"dataset": self.dataset, "dataset_fingerprint": f"fingerprint of {self.dataset}"},
            "backbone": self.backbone,
        }
        common = {**made_for, "weights_sha256": "0" * 64}
        content = {**common, "splits": embedded, "statistics": moments, "fingerprint": "clean"}
        write_record(self.embeddings / "manifest.json", "embeddings", content)
        options = {"augmentation": {"id": "moved"}, "weak": ["weak-0"], "strong": "clean"}
        content = {**common, **options, "splits": viewed, "fingerprint": "views"}
        write_record(self.views / "manifest.json", "embeddings", content)
        rng = rng_for("head", self.dataset)
        weights = rng.standard_normal((WIDTH, CLASSES)).astype(np.float32)
        write_head(self.head, {"weights": weights, "scale": np.float32(9)}, made_for)

    def _rows(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Labels and features of every split."""
        rng = rng_for("world", self.dataset)
        centers = 2 * rng.standard_normal((CLASSES, WIDTH))
        rows = {}
        for split, count in SIZES.items():
            labels = rng.permutation(np.arange(count) % CLASSES)
            features = centers[labels] + rng.standard_normal((count, WIDTH))
            rows[split] = labels, features.astype(np.float16)
        return rows

    def chain(
        self,
        strategy: str = "margin",
        seed: int = 0,
        schedule: str = "small",
        proxy: str = "linear",
    ) -> "Chain":
        """The rounds of one strategy and seed."""
        return Chain(self, strategy, seed, schedule, proxy)


class Chain:
    """The rounds of one strategy and seed, and the jobs that make them."""

    def __init__(self, world: World, strategy: str, seed: int, schedule: str, proxy: str) -> None:
        self.world = world
        self.settings = {
            **{"dataset": world.dataset, "backbone": world.backbone, "seed": seed},
            "proxy": {**PROXY, "id": proxy},
            "schedule": {"id": schedule, "initial": 12, "batch": 6},
            "strategy": {"id": strategy, "implementation": strategy},
        }
        selections = world.folder / "selections" / world.dataset
        self.initial = selections / schedule / f"seed-{seed}" / "initial.json"
        self.folder = selections / world.backbone / proxy / schedule
        self.strategy, self.seed = strategy, seed

    def files(self, number: int) -> tuple[Path, Path]:
        """Record and arrays of a round."""
        place = self.folder / (self.strategy if number else "initial") / f"seed-{self.seed}"
        return place / f"round-{number}.json", place / f"round-{number}.npz"

    def draw(self) -> int:
        """Exit status of the job that draws the initial pool."""
        return draw_initial_pool.main(self._options(0, output=self.initial))

    def train_initial(self, **more: Path) -> int:
        """Exit status of round 0."""
        record, arrays = self.files(0)
        options = {"initial": self.initial, "record": record, "arrays": arrays, **more}
        return train_initial.main(self._options(0, embedded=True, **options))

    def select(self, number: int) -> int:
        """Exit status of round `number`."""
        (record, arrays), before = self.files(number), self.files(number - 1)
        options = {"previous-record": before[0], "previous-arrays": before[1]}
        options |= {"record": record, "arrays": arrays}
        return select_round.main(self._options(number, embedded=True, **options))

    def run(self, rounds: int) -> "Chain":
        """Make what is missing up to round `rounds`."""
        jobs = [(self.initial, self.draw), (self.files(0)[0], self.train_initial)]
        jobs += [
            (self.files(number)[0], lambda number=number: self.select(number))
            for number in range(1, rounds + 1)
        ]
        for output, job in jobs:
            if not output.exists():
                assert job() == 0
        return self

    def _options(self, number: int, *, embedded: bool = False, **paths: Path) -> list[str]:
        paths = {"dataset": self.world.data / "manifest.json", **paths}
        if embedded:
            paths["embeddings"] = self.world.embeddings / "manifest.json"
        settings: Mapping[str, Any] = {**self.settings, "round": number}
        pairs = {**paths, "settings": json.dumps(settings)}.items()
        return [part for name, value in pairs for part in (f"--{name}", str(value))]
