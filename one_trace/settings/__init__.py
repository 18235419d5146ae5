"""What the user and the project have set: the keys, which source says what, and where our own files lie.

What lives here: `keys` (each key once), `sources` (the values in force), `model` (the same as
pydantic-settings, for commands that write), `paths`. It runs before every traced run, so it imports the
standard library alone; it knows of no store, host or command.
"""
