"""Strategies have to be comparable with the baseline."""

from helpers.experiments_read import errors_of


def test_a_default_that_does_not_fit_is_called_one(quickstart, catalogue):
    without = {key: quickstart[key] for key in quickstart if key not in ("baseline", "highlight")}
    for strategies, told in (
        (["margin"], "baseline: 'random', the default, is not in the experiment's strategies"),
        (["random"], "highlight: 'margin', the default, is not in the experiment's strategies"),
    ):
        assert told in errors_of({**without, "strategies": strategies}, catalogue)
    told = "highlight: 'margin', the default, is also the baseline that it would be compared with"
    assert told in errors_of({**without, "baseline": "margin"}, catalogue)
