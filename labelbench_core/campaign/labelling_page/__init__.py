"""One self-contained page on which people label a batch."""
