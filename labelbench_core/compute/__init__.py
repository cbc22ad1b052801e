"""How a machine computes: devices, threads, precision, several processes."""
