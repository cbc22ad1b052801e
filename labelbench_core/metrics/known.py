"""Which metrics there are: which way is better, and the unit that they are shown in."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """What is known of a metric without its values.

    Attributes
    ----------
    lower_is_better
        Whether it is a loss.
    is_share
        Whether it lies between 0 and 1, and is shown in percent; otherwise it is in nats.
    needs_groups
        Whether it exists only for splits whose rows are in groups.
    labels
        Whether it exists where each row has "one" class, "any" number of classes, or for "both".
    """

    lower_is_better: bool = False
    is_share: bool = True
    needs_groups: bool = False
    labels: Literal["one", "any", "both"] = "one"

    def applies(self, *, multilabel: bool) -> bool:
        """Whether it exists for such labels."""
        return self.labels in ("both", "any" if multilabel else "one")

    @property
    def sign(self) -> int:
        """-1 where lower is better, else 1: of a value times the sign, more is better."""
        return -1 if self.lower_is_better else 1

    @property
    def scale(self) -> int:
        """What a value is multiplied by where it is shown."""
        return 100 if self.is_share else 1

    @property
    def unit(self) -> str:
        """The unit of values, as the end of an axis label or a title."""
        better = ", lower is better" if self.lower_is_better else ""
        return f"{'%' if self.is_share else 'nats'}{better}"

    @property
    def unit_of_differences(self) -> str:
        """The unit of a difference of two values."""
        return "points" if self.is_share else "nats"


METRICS = {
    "accuracy": Metric(),
    "balanced-accuracy": Metric(),
    "min-class-accuracy": Metric(),
    "macro-f1": Metric(labels="both"),
    "worst-group-accuracy": Metric(needs_groups=True),
    "nll": Metric(lower_is_better=True, is_share=False, labels="both"),
    "calibration-error": Metric(lower_is_better=True),
    "mean-average-precision": Metric(labels="any"),
    "micro-f1": Metric(labels="any"),
    "label-accuracy": Metric(labels="any"),
    "subset-accuracy": Metric(labels="any"),
    "ranking-loss": Metric(lower_is_better=True, labels="any"),
}
