"""Traces for One CLI flows."""

__version__ = "0.1.0"
