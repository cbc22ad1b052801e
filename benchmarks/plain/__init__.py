"""Strategies as most published code writes them, to be timed beside ours."""
