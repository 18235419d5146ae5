"""A team's history through a real collector into a real engine: both from PyPI, on this machine."""
