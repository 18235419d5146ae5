"""The vocabulary: what a run and a span are, and what follows from a trace alone.

What lives here: `trace` (the structs of the trace document, the statuses), `tree` (children, self time,
static and critical path), `alike` and `fold` (which iterations share a line), `times` (ISO 8601 and ages),
`gc`. Any room may use it; it knows of no file, store, setting or terminal.
"""
