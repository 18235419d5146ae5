"""A traced run, from its start to the line that says so.

What lives here: `run` (the executor under watch), `drawn` and `human` (the tree as it grows, and the host's
words), `tracking`, `pending` and `lineage` (which run is ours, and who started it), `finish` (its record
becomes a trace in the store, is delivered, and one line says so). Nothing here may change what the run does.
"""
