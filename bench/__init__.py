"""Benchmarks: both sides in one run, and a ratio as the last line."""
