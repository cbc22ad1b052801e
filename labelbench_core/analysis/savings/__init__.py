"""How many labels strategies save over the baseline."""

from labelbench_core.analysis.savings.label_savings import saving_with_interval
from labelbench_core.analysis.savings.saving_intervals import DEFINITIONS, Curve

__all__ = ["DEFINITIONS", "Curve", "saving_with_interval"]
