"""The real One CLI: found, its argv read as it reads it, run so that nobody can tell.

What lives here: `argv`, `find`, `spawn`, `supervise` (signals and the end), `follower`. It runs before every
foreign verb, so it imports next to nothing; it knows of no record, trace or store.
"""
