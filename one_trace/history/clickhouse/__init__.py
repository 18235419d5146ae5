"""A history in ClickHouse: what a team's OpenTelemetry collector has put there, read back.

`tables` are the typed tables and the views that fill them (printed by ``one trace history ddl``), `client`
asks the server over HTTP, and one module a question reads plain rows into what `analyse` and `model` know.
Nothing else in the package knows that there is SQL of this kind.
"""
