"""The tools of the MCP server: each is one of our reading commands, with those of its options that are here.

What is not in this table cannot be asked for: no outputs (`--with-output`), nothing whole (`--full`), no
command that runs, sends, writes or deletes.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from one_trace.errors import WrongUsage

_LONGEST = 2_000
"""Characters of one argument: a path of nested steps is long."""
_TYPES = {"string": str, "integer": int, "boolean": bool}


class Argument(NamedTuple):
    """An argument of a tool. `option`: empty for one that the command takes by position."""

    name: str
    about: str
    option: str = ""
    type: Literal["string", "integer", "boolean"] = "string"
    values: tuple[str, ...] = ()
    required: bool = False
    default: str = ""
    """The value if none is given."""
    stored: bool = False
    """A run of the store: the command would take a file too, and a client could ask for any on the disk."""


class Tool(NamedTuple):
    """`command`: words of our command line, before the arguments."""

    command: tuple[str, ...]
    title: str
    about: str
    arguments: tuple[Argument, ...]


_FLOW = Argument("flow", "Key of a flow; all flows if missing")
_RUN = Argument(
    "run", "A run id, the start of one, 'last', or FLOW@last, @prev, @best, @worst", default="last"
)
_HERE = Argument("here", "Only runs of the project in the working directory", "--here", "boolean")
_SINCE = Argument("since", "Only runs started since: 7d, 12h, 2026-04-06", "--since")
_CURSOR = Argument("cursor", "Next page: omitted.cursor of the answer before", "--cursor")
_STATUSES = ("success", "error", "stopped", "incomplete")

TOOLS = {
    "runs": Tool(
        ("list",),
        "List runs",
        "Runs of flows, newest first, with status, duration, cost and the cause of a failure. Use it to find "
        "a run or to see what failed lately. About 300 characters a run, at most 8,000.",
        (
            Argument("flow", "Only runs of the flow with this key", "--flow"),
            Argument("status", "Only runs with this status", "--status", values=_STATUSES),
            _HERE,
            _SINCE,
            Argument("limit", "Most runs (20)", "--limit", "integer", default="20"),
            _CURSOR,
        ),
    ),
    "run": Tool(
        ("show",),
        "Show a run",
        "One run: why it failed and where in the flow file, what was retried, the slowest steps, the tree. "
        "Use it first after a run, with `failed` if it did not succeed. 2,000 to 8,000 characters, with "
        "`failed` about 3,000.",
        (_RUN, Argument("failed", "Only what failed, and the way to it", "--failed", "boolean"), _CURSOR),
    ),
    "step": Tool(
        ("show",),
        "Show a step of a run",
        "One step of a run with what is in it, and where the flow file defines it. Use it when `run` names a "
        "step and you need its attempts, times or error. 1,000 to 8,000 characters.",
        (_RUN, Argument("step", "Path or id of the step", "--step", required=True), _CURSOR),
    ),
    "stats": Tool(
        ("stats",),
        "Statistics",
        "Per flow and step over many runs: outcomes, median and p95 times, retries, sizes, cost, flaky steps."
        " Use it to see whether something is usual, flaky or getting slower. At most 8,000 characters.",
        (_FLOW, _HERE, _SINCE, _CURSOR),
    ),
    "findings": Tool(
        ("insights",),
        "Findings",
        "What to change in a flow, ranked, with the evidence. Use it before you edit a flow; without `flow` "
        "it says which flows need attention. At most 8,000 characters.",
        (_FLOW, _HERE, _SINCE, _CURSOR),
    ),
    "diff": Tool(
        ("diff",),
        "Compare two runs",
        "What changed between two runs, step by step: failing, slower, larger, more expensive. Use it after "
        "an edit: FLOW@prev and FLOW@last. At most 8,000 characters.",
        (
            Argument("a", "The run before", required=True, stored=True),
            Argument("b", "The run after", required=True, stored=True),
            _CURSOR,
        ),
    ),
    "cost": Tool(
        ("cost",),
        "Cost",
        "Tokens and money of LLM calls by flow, step, model and day, what was wasted, and which calls are not"
        " counted. Use it for any question about cost. At most 8,000 characters.",
        (_FLOW, _HERE, _SINCE, _CURSOR),
    ),
    "schema": Tool(
        ("schema",),
        "Schema of a document",
        "The JSON Schema of an answer, by the name in its `schema`; without `name`, the names. Use it when a "
        "field is unclear. 500 to 8,000 characters.",
        (Argument("name", "Such as one-trace-run/1"),),
    ),
}


def listed() -> list[dict[str, Any]]:
    """The tools as `tools/list` answers."""
    return [
        {
            "name": name,
            "description": tool.about,
            "inputSchema": _schema(tool),
            "annotations": {
                "title": tool.title,
                "readOnlyHint": True,
                "destructiveHint": False,
                "idempotentHint": True,
                "openWorldHint": False,
            },
        }
        for name, tool in TOOLS.items()
    ]


def _schema(tool: Tool) -> dict[str, Any]:
    properties = {each.name: _property(each) for each in tool.arguments}
    required = [each.name for each in tool.arguments if each.required]
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def _property(argument: Argument) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": argument.type, "description": argument.about}
    if argument.values:
        schema["enum"] = list(argument.values)
    if argument.type == "integer":
        schema["minimum"] = 1
    return schema


def command_line(tool: Tool, given: dict[str, Any]) -> list[str]:
    """The words of our command for these arguments. Values cannot become options. Raises WrongUsage."""
    names = [each.name for each in tool.arguments]
    for name in given:
        if name not in names:
            raise WrongUsage(f"there is no argument '{name[:100]}'", hint=f"Arguments: {', '.join(names)}.")
    options, places = [*tool.command], []
    for argument in tool.arguments:
        value = _value(argument, given.get(argument.name))
        if value is None:
            continue
        if not argument.option:
            places.append(value)
        elif argument.type == "boolean":
            options.append(argument.option)
        else:
            options.append(f"{argument.option}={value}")
    return [*options, "--", *places]


def _value(argument: Argument, given: object) -> str | None:
    """A value as a word of a command line; None if there is none. Raises WrongUsage."""
    if given is None or given == "":
        if argument.required:
            raise WrongUsage(f"the argument '{argument.name}' is missing", hint=f"{argument.about}.")
        return argument.default or None
    wanted = _TYPES[argument.type]
    if type(given) is not wanted:
        raise WrongUsage(f"'{argument.name}' must be of type {argument.type}", hint=f"{argument.about}.")
    if argument.type == "boolean":
        return "true" if given else None
    text = str(given)
    if len(text) > _LONGEST:
        raise WrongUsage(f"'{argument.name}' is too long", hint=f"At most {_LONGEST:,} characters.")
    if argument.stored and (text.endswith(".json") or "/" in text):
        raise WrongUsage(f"'{argument.name}' is a file, not a run", hint="A run id, or FLOW@last.")
    if (argument.type == "integer" and int(text) < 1) or (argument.values and text not in argument.values):
        allowed = ", ".join(argument.values) or "1 and more"
        raise WrongUsage(f"'{argument.name}' cannot be '{text[:100]}'", hint=f"Allowed: {allowed}.")
    return text
