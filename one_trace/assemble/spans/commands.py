"""How much of a failed command's error text is the command itself.

A shell step that fails says ``Command failed: <command>``, then on a new line what the command wrote to its
stderr. The command may have any number of lines, so only the flow file and the values that were put into it
tell where it ends.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from one_trace.assemble.sizes.inputs import Inputs
from one_trace.assemble.sizes.templates import literal_tail
from one_trace.assemble.sizes.views import View
from one_trace.model.trace import Span

_FAILED = "Command failed: "
_SHORTEST_TAIL = 8
"""Characters: less than that ends many a line by chance."""
_text = msgspec.json.Decoder(str)


def is_failed_command(shown: Span) -> bool:
    return shown.type == "bash" and shown.error is not None and shown.error.startswith(_FAILED)


def command_ends(inputs: Inputs, failed: Iterable[tuple[View, Span]]) -> dict[str, int]:
    """Error text → how many of its characters are the command, where that is sure."""
    ends: dict[str, int] = {}
    for span, shown in failed:
        command = span.node.config.get("command")
        if shown.error is None or not isinstance(command, str):
            continue
        end = _end(inputs, span, command, shown.error)
        if end is not None:
            ends[shown.error] = max(end, ends.get(shown.error, 0))
    return ends


def _end(inputs: Inputs, span: View, template: str, error: str) -> int | None:
    raw = inputs.resolved(span, template)
    try:
        whole = _FAILED + _text.decode(raw) if raw is not None else None
    except msgspec.DecodeError:
        whole = None  # no text: the host would not have run it
    if whole is not None and error.startswith(whole + "\n"):
        return len(whole)
    tail = literal_tail(template)
    at = error.rfind(tail + "\n") if len(tail) >= _SHORTEST_TAIL else -1
    return at + len(tail) if at >= len(_FAILED) else None
