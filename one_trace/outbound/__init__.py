"""The one choke point: what may leave this machine, and the forms it leaves in.

What lives here: `sanitize` (a trace as it may leave), `payload` (all that a sink is given), `error_text` with
`redact` (secrets) and `quoted_code` (commands, source lines), `remotes`, `own_secrets` (our keys in answers
of servers), and the forms `events` and `otel`. It knows no store, no file, no network and no sink.
"""
