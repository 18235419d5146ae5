"""The questions about many runs, and who answers them: the store of this machine, or a team's engine.

`History` is what commands ask; `local` answers from the store, `clickhouse` from the tables that a team's
OpenTelemetry collector fills. Both answer in the plain data of `model` and `analyse`, so that documents and
figures are the same. A command knows only `History`; nobody but `opened` knows which one it has.
"""

from one_trace.history.protocol import Calls, History

__all__ = ["Calls", "History"]
