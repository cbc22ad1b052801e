"""How strategies rank, over budgets, data sets and settings."""
