"""The documents that machines read: each has a schema, and is bounded whatever the run or the history.

What lives here: `run`, `runs`, `step`, `saved`, `reports` (the documents), `documents` (their schemas),
`bounds`, `pages`, `fields` (the one mechanism that fits a document into 8,000 characters and says in
`omitted` what was left out). Pure functions: nothing here prints, reads a file or knows of a command line.
"""
