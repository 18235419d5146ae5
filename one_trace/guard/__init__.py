"""The guards between us and what others wrote: files of a project, text for a terminal, URLs.

What lives here: one reader for files that somebody else may have put there (`files`), one writer of files
that are the user's alone (`private`), one cleaner for text that reaches a terminal (`text`). Any room may
ask it; it knows of no run, no setting and no command, and imports nothing of ours.
"""
