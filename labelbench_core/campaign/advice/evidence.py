"""What our own experiments have measured of strategies and proxies, as far as advice needs it.

`evidence.json` is made from the tables of docs/results by `python -m docs.make_advice`. It is part
of the package: nothing is read from docs/ when a campaign is run.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelbench_core.storage import files

FILE = Path(__file__).with_name("evidence.json")
LESS = "less than"
"""How a bound is marked that the true value is below."""


@dataclass(frozen=True)
class MeasuredSaving:
    """What a strategy saved in an experiment, on rows that it could not buy.

    Attributes
    ----------
    strategy
        Its id.
    seeds
        Number of seeds.
    saving
        Labels that random selection needed for its own last value, divided by those that the
        strategy needed for it.
    low, high
        95 % interval over seeds (`analysis.savings.saving_intervals`).
    bound, low_bound, high_bound
        `less than` or `more than`, where the number is a bound; else None.
    """

    strategy: str
    seeds: int
    saving: float
    low: float
    high: float
    bound: str | None = None
    low_bound: str | None = None
    high_bound: str | None = None

    @property
    def is_better(self) -> bool:
        """Whether it is surely better than random selection."""
        return self.low > 1 and self.low_bound != LESS

    @property
    def is_worse(self) -> bool:
        """Whether it is surely worse than random selection."""
        return self.high < 1 or (self.high == 1 and self.high_bound == LESS)


@dataclass(frozen=True)
class Experience:
    """A setting of an experiment of ours, and what strategies saved in it.

    Attributes
    ----------
    experiment
        Its id, which docs/results.md has.
    dataset, proxy
        Ids.
    rows
        What the data set consists of: `images`, `texts` or `embeddings`.
    classes
        Number of classes.
    multilabel
        Whether a row can belong to any number of classes.
    long_tail
        Rows of the largest class, divided by those of the smallest, where the pool was thinned to
        be so; else None.
    annotator
        Who answered; `exact`: the labels were true.
    metric
        What savings were measured in.
    batch, last_labels
        Labels that were bought at a time, and in all.
    savings
        One for each strategy.
    """

    experiment: str
    dataset: str
    rows: str
    classes: int
    multilabel: bool
    long_tail: float | None
    annotator: str
    proxy: str
    metric: str
    batch: int
    last_labels: int
    savings: Sequence[MeasuredSaving]

    @property
    def labels_per_class(self) -> float:
        """Labels of a batch, divided by the number of classes."""
        return self.batch / self.classes

    def of(self, strategy: str) -> MeasuredSaving | None:
        """What a strategy saved; None where it was not run."""
        return next((one for one in self.savings if one.strategy == strategy), None)


@dataclass(frozen=True)
class ComparedProxy:
    """Two proxies of an experiment, with the same strategy and the same seeds.

    Attributes
    ----------
    proxy, other
        Ids.
    difference, half_width
        Mean height of the curve of `proxy` less that of `other`, in the metric, over paired seeds,
        with half the width of its 95 % interval; positive: `proxy` is better.
    """

    experiment: str
    dataset: str
    multilabel: bool
    strategy: str
    proxy: str
    other: str
    seeds: int
    difference: float
    half_width: float


@dataclass(frozen=True)
class Evidence:
    """All that advice is drawn from."""

    experiences: Sequence[Experience]
    proxies: Sequence[ComparedProxy]

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> "Evidence":
        """From the values of `evidence.json`."""
        return cls(
            experiences=[
                Experience(
                    **{
                        **one,
                        "savings": [MeasuredSaving(**saving) for saving in one["savings"]],
                    }
                )
                for one in values["experiences"]
            ],
            proxies=[ComparedProxy(**one) for one in values["proxies"]],
        )


@functools.cache
def shipped() -> Evidence:
    """The evidence that comes with the package."""
    return Evidence.from_mapping(files.read_json(FILE))
