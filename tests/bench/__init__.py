"""Figures of one-trace, each a ratio to something timed in the same run: ``python -m tests.bench``."""
