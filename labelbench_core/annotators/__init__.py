"""Annotators, who give each row of the pool a label: one file per kind.

An annotator is one file with `INFO` and `annotate(truth, *, options)`, which returns (N,) int64, a
label for every row of the pool; it may have `check(facts, *, options)`, which refuses before any
job what cannot be used, and `source(data_dir, *, options)`, the file that its labels come from. All
labels of a data set are drawn at once, from the data set's name and the option `seed`: they are the
same in every round, for every strategy and every seed of an experiment, as those of a table are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

EXACT = "exact"
"""Id of the annotator that gives the data set's own labels. No entry of the catalogue is needed."""


@dataclass(frozen=True)
class PoolFacts:
    """What is known of a pool before its data set is prepared; None where it is not.

    Attributes
    ----------
    num_rows
        N.
    class_names
        Names of the labels 0, 1, …
    data_dir
        Where files of annotators are looked for.
    has_labels
        Whether the pool has labels of its own. Where it has none, an annotator can be used only if
        its `INFO` has `"without_truth": True`, and without the options named by `"truth_by"` there.
    """

    num_rows: int | None
    class_names: Sequence[str] | None
    data_dir: Path
    has_labels: bool = True


@dataclass(frozen=True)
class Truth:
    """The pool of a prepared data set with its own labels.

    Attributes
    ----------
    dataset
        The data set's id, from which random streams are derived.
    labels
        (N,) int64; all -1 where the pool has none.
    class_names
        Names of the labels 0, 1, …
    data_dir
        Where files of annotators are looked for.
    """

    dataset: str
    labels: np.ndarray = field(repr=False)
    class_names: Sequence[str]
    data_dir: Path

    @property
    def facts(self) -> PoolFacts:
        """What `check` gets."""
        has_labels = not len(self.labels) or bool((self.labels >= 0).any())
        return PoolFacts(len(self.labels), self.class_names, self.data_dir, has_labels)
