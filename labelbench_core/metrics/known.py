"""Which metrics there are: which way is better, and in what they are shown."""

from dataclasses import dataclass


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
    """

    lower_is_better: bool = False
    is_share: bool = True
    needs_groups: bool = False

    @property
    def sign(self) -> int:
        """-1 where lower is better, else 1: times this, more is better."""
        return -1 if self.lower_is_better else 1

    @property
    def scale(self) -> int:
        """What a value is multiplied by where it is shown."""
        return 100 if self.is_share else 1

    @property
    def unit(self) -> str:
        """What a value is shown in, as the end of an axis or a title."""
        better = ", lower is better" if self.lower_is_better else ""
        return f"{'%' if self.is_share else 'nats'}{better}"

    @property
    def unit_of_differences(self) -> str:
        """What a difference of two values is shown in."""
        return "points" if self.is_share else "nats"


METRICS = {
    "accuracy": Metric(),
    "balanced-accuracy": Metric(),
    "min-class-accuracy": Metric(),
    "macro-f1": Metric(),
    "worst-group-accuracy": Metric(needs_groups=True),
    "nll": Metric(lower_is_better=True, is_share=False),
    "calibration-error": Metric(lower_is_better=True),
}
