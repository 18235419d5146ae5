"""Pages for a terminal: pure functions of data, width and style that return text.

Each page has its module (`tree`, `stats_page`, ...); `page`, `table`, `cells`, `style` and `words` are what
they share. Nothing here reads a store, a record, a setting or the terminal itself, except `screen` and
`console`, which draw the live tree.
"""
