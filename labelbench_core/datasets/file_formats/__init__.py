"""Formats of files that people have: tables, arrays, MATLAB, Arrow."""
