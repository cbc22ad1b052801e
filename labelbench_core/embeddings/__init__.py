"""Embeddings: pooled features of a frozen backbone for every image of a prepared data set."""
