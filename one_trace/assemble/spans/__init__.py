"""A reading as it is shown: the run, its spans, and why it failed."""
