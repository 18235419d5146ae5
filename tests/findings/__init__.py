"""Histories of flows with a known cause: which findings must come, and that no others do."""
