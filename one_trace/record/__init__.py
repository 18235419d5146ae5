"""What an executor leaves behind: flow files, log, state. Found, read, typed.

What lives here: `files` (which runs left a record), `search` (which of them is ours), `flow_files` and
`flows` (where a key leads, and the flow there), `log`, `state`, `sizes` and `reading` (all of a record),
`tolerant` (JSON that may be damaged), `clock` (times written by a clock that was set back). Outputs stay raw
bytes. It knows of no trace, store or process.
"""
