"""A traced run, from its start to the line that reports its trace.

What lives here: `run` (starts the executor and traces it), `drawn` (the live tree in a terminal), `human`
(One CLI's human mode, made from events), `tracking`, `pending` and `lineage` (which run is ours, and what
started it), `finish` (record to trace to store to delivery). Callers need `run.run` and `plain.run`. Nothing
here may change what a run does, prints or returns, and nothing here knows our own commands.
"""
