"""A trace in the forms that other tools and people read: pure functions from a trace to the bytes of a file.

What lives here: JSON, events, OTLP, Perfetto, and HTML pages with their templates, styles and scripts.
Nothing here reads a file of a project, asks the store, or knows of a command line.
"""
