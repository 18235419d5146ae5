"""The real One CLI: find it, read argv as it does, and run it without anyone noticing a difference.

What lives here: `argv`, `find`, `via` (how we were reached), `spawn`, `supervise` (signals and the end),
`follower` (SIGSTOP), `unusable` (the errors). Runs before every foreign verb, so it imports next to nothing;
it knows of no record, trace or store.
"""
