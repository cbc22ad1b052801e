"""When to stop buying labels."""
