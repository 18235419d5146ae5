"""The settings: the keys, their sources, the values in force, and where our own files are.

What lives here: `keys` (each key once), `sources` (the values in force, with the standard library alone,
since it runs before every traced run), `model` (the same with pydantic-settings, for commands that show or
write settings), `problems` (the messages), `credentials` (the key of traces.com), `paths`. It knows of no
store, host or command.
"""
