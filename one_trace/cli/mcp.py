"""`trace mcp`: answers clients that speak the Model Context Protocol (MCP)."""

from __future__ import annotations

import click

from one_trace.cli import mcp_server
from one_trace.cli.pages import examples


@click.command(
    "mcp",
    epilog=examples("one trace setup agents", "one trace mcp < requests.jsonl"),
)
def command() -> int:
    """Answer an MCP client on standard input and output.

    Eight tools that only read: runs, run, step, stats, findings, diff, cost, schema. Each answer is one
    document of at most 8,000 characters. 'one trace setup agents' prints the command that adds this server
    to each client.
    """
    return mcp_server.serve()
