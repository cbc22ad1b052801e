"""The pool of a campaign: its rows, what they are called, and their embeddings."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from labelbench_core.campaign.answers.formats.handed import item_of_text
from labelbench_core.datasets import POOL, PreparedDataset, data_directory, open_dataset
from labelbench_core.embeddings.views import open_embeddings, pool_statistics
from labelbench_core.proxies import Statistics
from labelbench_core.registry.info import IMAGES, TEXTS
from labelbench_core.storage.rows import RowSource


@dataclass(frozen=True)
class CampaignPool:
    """The rows of a pool as they are now.

    Attributes
    ----------
    items, digests
        (N,) what each row is called, and the SHA-256 of its content; empty where it is not known.
    embeddings
        (N, D), on disk.
    statistics
        Statistics of these embeddings.
    source
        Identifies these embeddings among those of the same rows.
    dataset
        The prepared data set, with the images or texts to show.
    """

    items: tuple[str, ...]
    digests: tuple[str, ...]
    embeddings: RowSource
    statistics: Statistics
    source: str
    dataset: PreparedDataset

    def __len__(self) -> int:
        return len(self.items)

    @property
    def image_folder(self) -> Path | None:
        """The folder to which `items` are relative, where these are files of images."""
        manifest = self.dataset.manifest
        if manifest["splits"][POOL].get("storage") != "files":
            return None
        return (data_directory() / manifest["root"]).absolute()

    def texts(self) -> Sequence[str] | None:
        """The text of every row; None where the pool does not hold texts."""
        if self.dataset.rows != TEXTS:
            return None
        return self.dataset.texts(POOL).batch(np.arange(len(self)))

    def pictures(self, rows: np.ndarray, threads: int = 1) -> Sequence[bytes]:
        """Thumbnails of `rows`; empty where the pool does not hold images."""
        if self.dataset.rows != IMAGES:
            return [b""] * len(rows)
        from labelbench_core.datasets.images.thumbnails import thumbnails

        return thumbnails(self.dataset, POOL, rows, threads)

    def readable_pictures(self, rows: Sequence[int], threads: int = 1) -> Sequence[bytes | None]:
        """As `pictures`, with None for an image that cannot be read today."""
        if self.dataset.rows != IMAGES:
            return [b""] * len(rows)
        from labelbench_core.datasets.images.thumbnails import readable_thumbnails

        return readable_thumbnails(self.dataset, POOL, rows, threads)


def open_pool(
    dataset_manifest: Path, embeddings_manifest: Path, dataset_id: str, backbone: str
) -> CampaignPool:
    """Open and verify a prepared pool and its embeddings.

    Raises
    ------
    InputError
        If a file is missing or damaged, or of another data set or backbone.
    """
    dataset = open_dataset(dataset_manifest.parent, dataset_id)
    of_dataset = {
        "dataset": dataset_id,
        "dataset_fingerprint": dataset.manifest["fingerprint"],
        "backbone": backbone,
    }
    manifest, embeddings = open_embeddings(embeddings_manifest, of_dataset)
    items, digests = named_items(dataset)
    return CampaignPool(
        items=items,
        digests=digests,
        embeddings=embeddings[POOL],
        statistics=Statistics(**pool_statistics(embeddings_manifest, manifest)),
        source=manifest["fingerprint"],
        dataset=dataset,
    )


def named_items(dataset: PreparedDataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What each row of the pool is called, and the SHA-256 of its content.

    A file is named by its path, a text by its content, and any other row by its number in the
    source; the content of such other rows is not compared.
    """
    entry = dataset.manifest["splits"][POOL]
    if entry["storage"] == "files":
        pairs = list(dataset.listing(POOL))
        return tuple(path for path, _ in pairs), tuple(digest for _, digest in pairs)
    count = entry["num_rows"]
    if entry["storage"] == "texts":
        return _texts(dataset, count)
    rows = dataset.source_rows(POOL)
    numbers = range(count) if rows is None else rows.tolist()
    return tuple(f"row-{number}" for number in numbers), ("",) * count


def _texts(dataset: PreparedDataset, count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    seen: Counter[str] = Counter()
    items, digests = [], []
    for text in dataset.texts(POOL).batch(np.arange(count)):
        digest = hashlib.sha256(text.encode()).hexdigest()
        seen[digest] += 1
        again = f"-{seen[digest]}" if seen[digest] > 1 else ""
        items.append(item_of_text(text) + again)
        digests.append(digest)
    return tuple(items), tuple(digests)


class SomeRows:
    """Some rows of a `RowSource`, as a `RowSource`.

    Parameters
    ----------
    rows
        (N, D).
    chosen
        (n,) int64 rising, which of these rows to keep.
    """

    def __init__(self, rows: RowSource, chosen: np.ndarray) -> None:
        self._rows, self._chosen = rows, chosen
        self.shape, self.dtype = (len(chosen), *rows.shape[1:]), rows.dtype

    def __len__(self) -> int:
        return len(self._chosen)

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """(first row, consecutive rows) from the first to the last."""
        done = 0
        for first, block in self._rows.blocks():
            start, end = np.searchsorted(self._chosen, [first, first + len(block)])
            if end > start:
                yield done, block[self._chosen[start:end] - first]
                done += end - start

    def take(self, indices: np.ndarray) -> np.ndarray:
        """(k, D) a copy of the rows `indices`, in that order."""
        return self._rows.take(self._chosen[indices])
