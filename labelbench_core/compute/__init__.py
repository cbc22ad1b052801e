"""Arithmetic on what a machine has: devices, threads, precision, several processes."""
