"""Texts of a prepared data set: UTF-8 bytes, one after the other, and where each ends."""

import hashlib
from collections.abc import Sequence

import numpy as np

from labelbench_core.storage.row_blocks import RowBlocks


def stored_texts(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """The arrays that hold texts: (B,) uint8 of all bytes, and (N,) int64, where each text ends."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([len(one) for one in encoded], dtype=np.int64)
    return {"texts": np.frombuffer(b"".join(encoded), np.uint8), "text-ends": ends}


class TextRows:
    """The texts of one split; read whole, since texts are small beside their embeddings."""

    contents_are_noted = False  # and texts are padded to the length of others

    def __init__(self, content: RowBlocks, ends: RowBlocks) -> None:
        self._content, self._ends = content.load().tobytes(), ends.load()

    def __len__(self) -> int:
        return len(self._ends)

    def batch(self, indices: np.ndarray) -> list[str]:
        """The texts `indices`, in that order."""
        return [self._bytes(int(index)).decode() for index in indices]

    def contents(self, rows: range) -> str:
        """A hash over the texts `rows` and their order."""
        digest = hashlib.sha256()
        for row in rows:
            one = self._bytes(row)
            digest.update(len(one).to_bytes(8, "little") + one)
        return digest.hexdigest()

    def _bytes(self, row: int) -> bytes:
        first = int(self._ends[row - 1]) if row else 0
        return self._content[first : int(self._ends[row])]
