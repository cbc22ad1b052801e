"""Curves written by hand, as the long table that the analysis reads."""

import pandas as pd


def curves(values: dict[str, list[list[float]]], **names: str) -> pd.DataFrame:
    """A long table from a row per seed for each strategy; budgets are 100, 200, …"""
    setting = {"dataset": "d", "backbone": "b", "proxy": "p", "schedule": "s", **names}
    rows = [
        {
            **setting,
            "strategy": strategy,
            "seed": seed,
            "round": number,
            "num_labeled": 100 * (number + 1),
            "split": "test",
            "metric": "accuracy",
            "value": value,
        }
        for strategy, seeds in values.items()
        for seed, curve in enumerate(seeds)
        for number, value in enumerate(curve)
    ]
    return pd.DataFrame(rows)
