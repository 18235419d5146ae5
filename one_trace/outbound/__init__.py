"""What may leave this machine: `redact` takes secrets out of error text, `quoted` commands and source lines.

This room knows no store, no file and no network: text in, text out.
"""
