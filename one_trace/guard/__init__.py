"""Guards against input that others wrote: files of a project, text for a terminal, URLs.

What lives here: the one reader of untrusted files (`files`, `toml`), the one writer of private files
(`private`), the one cleaner of text for a terminal (`text`), `urls`, and the standard streams (`streams`).
Any room may use it; it knows of no run, setting or command, and imports no other room.
"""
