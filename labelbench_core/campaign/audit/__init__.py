"""The audit: random rows of the pool that no model learns from, and what they tell of a model."""
