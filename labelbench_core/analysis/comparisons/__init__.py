"""Which strategy is better: paired differences by seed, and what is told from them."""
