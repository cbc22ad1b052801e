"""The parts that several strategies share, and the fast kernels."""
