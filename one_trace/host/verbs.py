"""The commands of One CLI, for suggestions and for TAB. Source: `one --help`, `one flow --help` and
`one config --help` of One CLI 1.52.1.
"""

from __future__ import annotations

TOP = {
    "init": "Set up One CLI and its skill",
    "login": "Authenticate with One in the browser",
    "logout": "Clear local credentials",
    "config": "Configure One CLI and one-trace",
    "connection": "Manage connections",
    "platforms": "List available platforms",
    "actions": "Search, explore and execute platform actions",
    "flow": "Create, execute and manage workflows",
    "relay": "Receive webhooks and relay them",
    "sync": "Sync platform data locally",
    "mem": "Unified memory: notes, decisions, synced data",
    "cache": "Manage the local knowledge and search cache",
    "guide": "Full usage guide for agents",
    "onboard": "Agent onboarding",
    "update": "Update One CLI",
    "whoami": "Show user, organization and project",
    "add": "Connect a platform",
    "list": "List connections",
    "help": "Help for a command",
}
FLOW = {
    "create": "Create a workflow from JSON",
    "execute": "Execute a workflow",
    "list": "List all workflows",
    "validate": "Validate a workflow",
    "resume": "Resume a paused or failed run",
    "runs": "List workflow runs",
    "inspect": "Inspect a past run's outputs",
    "scaffold": "Generate a workflow scaffold",
}
CONFIG = {
    "path": "Show the active config path",
    "skills": "Manage installed skill files",
    "reset": "Remove the project config of this folder",
}
DELETING = frozenset(("logout", "reset", "unset"))
"""Never suggested for a mistyped word."""


def suggestion(words: list[str]) -> str | None:
    """The command that was probably meant by the words of an unknown one."""
    from difflib import get_close_matches  # expensive to import, and used only here

    group, commands = _siblings(words)
    word = words[1] if group else words[0]
    near = [] if word in commands else get_close_matches(word, commands, n=1)
    return f"{group}{near[0]}" if near and near[0] not in DELETING else None


def _siblings(words: list[str]) -> tuple[str, set[str]]:
    """The group that the last relevant word belongs to, and the group's commands."""
    if len(words) > 1 and words[0] in ("flow", "f"):
        return "flow ", set(FLOW)
    if len(words) > 1 and words[0] == "config":
        return "config ", {"set", "get", "unset", "list", *CONFIG}
    return "", {"trace", "p", "a", "f", "r", "s", "ls", *TOP}
