"""The vocabulary: what a run and a span are, and what follows from a trace alone.

What lives here: `trace` (the structs of the trace document), `tree` (children, self time, critical path),
`alike` (iterations that went alike), `fold` (the lines of a page), `times` (ISO 8601 and ms), `gc`. Any
room may ask it; it knows of no file, store, setting or terminal.
"""
