"""Embedding every split of a prepared data set, without augmentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labelbench_core.backbones import Backbone, GivenEmbeddings, TextBackbone
from labelbench_core.datasets import POOL, PreparedDataset
from labelbench_core.embeddings.embed import View, embed
from labelbench_core.embeddings.statistics import column_statistics
from labelbench_core.embeddings.views import CLEAN
from labelbench_core.storage import store


def extract_embeddings(
    dataset: PreparedDataset,
    backbone: Backbone | TextBackbone | GivenEmbeddings,
    backbone_id: str,
    arrays: Path,
    manifest_path: Path,
    *,
    code: str = "",
    threads: int = 1,
    precision: str = "auto",
    batch_size: int | None = None,
) -> dict[str, Any]:
    """Write one array per split and the manifest, and return the manifest; see `embed`."""

    def statistics(folder: Path) -> dict[str, Any]:
        mean, std = column_statistics(store.open_rows(folder / f"{POOL}-{CLEAN}"))
        return {"statistics": {"mean": mean, "std": std}}

    return embed(
        dataset,
        backbone,
        backbone_id,
        [View(split, CLEAN, f"{split}-{CLEAN}") for split in dataset.splits],
        arrays,
        manifest_path,
        describe=statistics,
        code=code,
        threads=threads,
        precision=precision,
        batch_size=batch_size,
    )
