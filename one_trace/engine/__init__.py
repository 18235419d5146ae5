"""The host's control flow as code that runs: what starts what, what waits, what a time-out, a retry, a
failure or a stop does, and in which order the log is written.

`control.Engine` runs a flow: `steps` has what each type of step does, `retry` what `onError` says, `loop`
continues coroutines in JavaScript's order, and `rules` holds the host's numbers. What it needs from outside
are ports: `values.Values` evaluates and holds values, `loop.Clock` is the time, `emit` receives the log's
events, `find_flow` finds a sub-flow, `body` runs one attempt of a step, `observer` watches. Without Node,
`decided` has values of which none is evaluated, and `virtual` a clock on which a run takes no time. May look
at `model` alone. It must never know a file, a process, a terminal or a trace.
"""
