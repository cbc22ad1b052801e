"""A round: the pool, the proxy, the strategy, the annotator."""
