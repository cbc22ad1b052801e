"""Embedding weak and strong views of the pool, a few draws of each, and keeping them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from labelbench_core.augmentation import texts
from labelbench_core.augmentation.settings import (
    StrongAugmentation,
    TextAugmentation,
    changed_rows,
    changes_of,
)
from labelbench_core.augmentation.views import num_draws, view
from labelbench_core.backbones import Backbone, TextBackbone
from labelbench_core.datasets import POOL, PreparedDataset
from labelbench_core.embeddings import text_views
from labelbench_core.embeddings.embed import View, embed
from labelbench_core.embeddings.views import CLEAN, KINDS
from labelbench_core.errors import InputError
from labelbench_core.seeds import seed_for


def extract_views(
    dataset: PreparedDataset,
    backbone: Backbone | TextBackbone,
    backbone_id: str,
    augmentation: Mapping[str, Any],
    arrays: Path,
    manifest_path: Path,
    *,
    code: str = "",
    threads: int = 1,
    precision: str = "auto",
    batch_size: int | None = None,
) -> dict[str, Any]:
    """Write the arrays `weak-0`, `strong-0`, … and the manifest; return that. See `embed`.

    A view in which nothing is random is not made: the manifest names the clean embeddings instead.

    Parameters
    ----------
    augmentation
        The catalogue's entry: `id`, `draws` and, if given, `weak` and `strong`.

    Raises
    ------
    InputError
        If the augmentation changes images and the backbone reads texts, or the other way round.
    """
    prepare = _prepared_by(backbone, changes_of(augmentation))
    if prepare is None:
        raise InputError(
            f"augmentations: {augmentation['id']!r} changes {changed_rows(augmentation)}, but "
            f"backbone {backbone_id!r} reads {backbone.reads}; allowed: one that changes these"
        )
    stored = {
        kind: [f"{kind}-{draw}" for draw in range(augmentation["draws"])]
        for kind in random_views(augmentation)
    }
    names = (dataset.manifest["dataset"], augmentation["id"])
    seeds = {array: seed_for("view", *names, array) for kind in stored for array in stored[kind]}
    views = [
        View(POOL, array, array, functools.partial(prepare, kind=kind, seed=seeds[array]))
        for kind in stored
        for array in stored[kind]
    ]
    options = {
        "id": augmentation["id"],
        "draws": augmentation["draws"],
        **asdict(changes_of(augmentation)),
    }
    return embed(
        dataset,
        backbone,
        backbone_id,
        views,
        arrays,
        manifest_path,
        options={
            "augmentation": options,
            "seeds": {array: f"{seed:032x}" for array, seed in seeds.items()},
            **{kind: stored.get(kind, CLEAN) for kind in KINDS},
        },
        code=code,
        threads=threads,
        precision=precision,
        batch_size=batch_size,
    )


def random_views(augmentation: Mapping[str, Any]) -> list[str]:
    """The kinds of views of a catalogue's entry that differ from draw to draw."""
    changes = changes_of(augmentation)
    if isinstance(changes, StrongAugmentation):
        return [kind for kind in KINDS if num_draws(kind, changes)]
    return [kind for kind in KINDS if texts.is_random(kind, changes)]


def _prepared_by(
    backbone: Backbone | TextBackbone, changes: StrongAugmentation | TextAugmentation
) -> Callable[..., Any] | None:
    """What makes a batch's view; None if the backbone does not read what is changed."""
    if isinstance(changes, TextAugmentation) and isinstance(backbone, TextBackbone):
        return functools.partial(text_views.prepare, changes=changes)
    if isinstance(changes, StrongAugmentation) and isinstance(backbone, Backbone):
        return functools.partial(_prepare, changes=changes, preprocess=backbone.preprocess)
    return None


def _prepare(
    images: torch.Tensor,
    first_row: int,
    *,
    kind: str,
    changes: StrongAugmentation,
    preprocess: Callable[[torch.Tensor], torch.Tensor],
    seed: int,
) -> torch.Tensor:
    """A batch's input. What a row draws depends on its number, not on the batch or the backbone."""
    generator = np.random.PCG64(seed).advance(first_row * num_draws(kind, changes))
    return view(kind, images, preprocess, changes, np.random.Generator(generator))
