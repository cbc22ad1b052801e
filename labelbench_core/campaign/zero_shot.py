"""The classifier that a backbone's text tower makes of class names, before there is any label.

With it a strategy that needs probabilities chooses the first batch, with labels suggested for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelbench_core.compute.likelihoods import softmax
from labelbench_core.storage.zero_shot_file import read_head


@dataclass(frozen=True)
class ClassNamesClassifier:
    """Cosines between embeddings and class names, scaled, as probabilities.

    Attributes
    ----------
    weights
        (D, C) float32 columns of unit length.
    scale
        Factor on the cosines: the inverse of the temperature that the network was trained with.
    """

    weights: np.ndarray
    scale: float

    @classmethod
    def read(
        cls, path: Path, expected: Mapping[str, Any], classes: Sequence[str]
    ) -> "ClassNamesClassifier":
        """From the file of a head; see `read_head` for `expected` and errors."""
        head = read_head(path, expected, len(classes))
        return cls(head["weights"], float(head["scale"]))

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """(n, C) float32 probabilities of embeddings (n, D), of whatever length."""
        values = rows.astype(np.float32)
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        logits = self.scale * ((values / np.maximum(lengths, 1e-12)) @ self.weights)
        return softmax(logits.astype(np.float64)).astype(np.float32)

    def of_classes(self, columns: Sequence[int]) -> "ClassNamesClassifier":
        """Of some classes, in that order."""
        return ClassNamesClassifier(self.weights[:, list(columns)], self.scale)


def made_for(backbone: str, classes: Sequence[str]) -> dict[str, Any]:
    """What the file of a campaign's head says that it was made for."""
    return {"backbone": backbone, "classes": list(classes)}
