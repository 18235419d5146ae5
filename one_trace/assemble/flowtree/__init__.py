"""Which step is this: the flow files as static trees, and what a run of them was to do."""
