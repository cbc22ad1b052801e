"""The training engine: one loop, whatever the method, on images and on embeddings."""
