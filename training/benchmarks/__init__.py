"""Benchmarks: one module per labelled set, each with a reader of its published layout and an ``evaluate`` function."""
