"""Dawid and Skene's estimate of labels from annotators who err, each in a way of their own.

A. P. Dawid and A. M. Skene, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM
Algorithm", Applied Statistics 28(1), 1979; by the package crowd-kit.
"""

import importlib.util
from collections.abc import Sequence

from labelbench_core.errors import InputError

EXTRA = "agreement"
# The package stops by default where 1e-5 is gained, when probabilities still change by 1e-3.
_ITERATIONS, _LEAST_GAIN = 200, 1e-8


def posteriors(votes: Sequence[tuple[str, str, str]]) -> dict[str, dict[str, float]]:
    """Item → class → its probability, given all votes.

    Parameters
    ----------
    votes
        Item, annotator and class; each annotator once for each item.

    Raises
    ------
    InputError
        If crowd-kit is not installed.
    """
    if importlib.util.find_spec("crowdkit") is None:
        raise InputError(
            "method 'dawid-skene': the package crowd-kit is not installed; allowed: 'majority', or "
            f"install it: pip install 'labelbench[{EXTRA}]', or crowd-kit itself"
        )
    if not votes:
        return {}
    # Imported here, so that only those who ask for this method wait for it.
    import pandas as pd
    from crowdkit.aggregation import DawidSkene  # pyright: ignore[reportMissingImports]  # an extra

    frame = pd.DataFrame(list(votes), columns=["task", "worker", "label"])
    found = DawidSkene(n_iter=_ITERATIONS, tol=_LEAST_GAIN).fit_predict_proba(frame)
    return {
        str(item): {str(name): float(share) for name, share in row.items()}
        for item, row in zip(found.index, found.to_dict("records"), strict=True)
    }
