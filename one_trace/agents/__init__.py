"""Coding agents: the skill that tells them of one-trace, and the MCP server that answers them.

What lives here: `clients` (the agents that are known, their folders and commands), `skill` with `SKILL.md`
(the skill, installed and removed), `tools` (the tools of the MCP server), `protocol` and `server` (MCP over
standard input and output). It runs no command and prints nothing: the commands hand in what answers a tool.
"""
