"""What TAB offers, one candidate a line: flows without importing Click, which takes longer than all else."""

from __future__ import annotations

import os
from itertools import islice

from one_trace.guard.files import is_plain
from one_trace.record.flow_files import flow_paths

_RUN_A_FLOW = ("execute", "x", "validate", "runs")
"""Verbs of `flow` whose first word is a flow."""
_MOST_FLOWS = 10_000
_LONGEST = 60
"""Characters of a description."""


def is_for_flows(argv: list[str]) -> bool:
    """Whether the last word of argv, which is being typed, is a flow."""
    words, typed = argv[:-1], argv[-1:]
    return len(words) == 2 and words[0] == "flow" and words[1] in _RUN_A_FLOW and not typed[0].startswith("-")


def answer_flows(typed: str) -> int:
    """Print the flows that begin with what is typed."""
    from one_trace.guard import streams

    try:
        known = {key: path for key, path in flows().items() if key.startswith(typed)}
        lines = [line(key, path) for key, path in known.items() if can_be_typed(key, ended=False)]
        streams.write_all(1, "".join(lines).encode())
    except (OSError, ValueError):  # no error may reach a command line that is being typed
        return 0
    return 0


def flows() -> dict[str, str]:
    """The flows of this folder, in all of the host's layouts: key → path. No flow file is opened."""
    found = {flow.key: flow.path for flow in islice(flow_paths(), _MOST_FLOWS) if is_plain(flow.path)}
    return {key: os.path.relpath(path) for key, path in sorted(found.items())}


def can_be_typed(value: str, *, ended: bool) -> bool:
    """Whether a name from a project may be offered: it is printable, and is no option (`ended`: after
    ``--`` there are none)."""
    return value.isprintable() and (ended or not value.startswith("-"))


def about(text: str) -> str:
    """A description in one short line: the first sentence."""
    first = text.partition(". ")[0].rstrip(".")
    if len(first) <= _LONGEST and first.isascii() and first.isprintable() and " " not in first:
        return first
    from textwrap import shorten

    from one_trace.guard.text import clean

    return shorten(clean(first), _LONGEST, placeholder="")


def line(value: str, description: str) -> str:
    return f"{value}\t{about(description)}".rstrip("\t") + "\n"
