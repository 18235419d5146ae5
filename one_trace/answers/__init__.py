"""The documents that machines read: bounded, whatever the run or the history, each with its schema.

What lives here: pure functions from what `analyse` and the store give to an answer of at most 8,000
characters: summary first, what failed and what was slow next, what went alike folded, and in `omitted` what
was left out and how to get it. Nothing here prints, reads a file or knows of a command line.
"""
