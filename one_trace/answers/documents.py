"""Every document with a schema: its name, its struct, and the JSON Schema made from it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from one_trace.answers.bounds import LIMIT, Omitted, size

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class DocumentKind(NamedTuple):
    """A kind of document, and the command of `one trace` or `one config` that prints it. `bounded`: it may
    be cut, and then says so in `omitted`."""

    command: str
    module: str
    structs: tuple[str, ...]
    bounded: bool = False

    def types(self) -> tuple[type[Struct], ...]:
        """The structs: each document is one of them."""
        module = import_module(f"one_trace.{self.module}")
        return tuple(getattr(module, name) for name in self.structs)


DOCUMENTS = {
    "one-trace/1": DocumentKind("export RUN --format json, show --full", "model.trace", ("Trace",), True),
    "one-trace-run/1": DocumentKind("show", "answers.run", ("RunAnswer",), True),
    "one-trace-slow/1": DocumentKind("show --slow N", "view.slow", ("Slow",), True),
    "one-trace-events/1": DocumentKind("show --events", "view.event_list", ("EventsDocument",), True),
    "one-trace-list/1": DocumentKind("list", "answers.runs", ("RunList",), True),
    "one-trace-runs/1": DocumentKind("list --full", "answers.runs", ("WholeRunList",), True),
    "one-trace-sessions/1": DocumentKind("list --by session", "answers.runs", ("SessionList",), True),
    "one-trace-groups/1": DocumentKind("list --by WHAT", "answers.groups", ("GroupList",), True),
    "one-trace-stats/1": DocumentKind("stats", "analyse.stats", ("StatsDocument",), True),
    "one-trace-insights/1": DocumentKind(
        "insights", "analyse.findings", ("InsightsDocument", "InsightsOverview"), True
    ),
    "one-trace-patch/1": DocumentKind("insights FLOW --patch", "analyse.patch", ("PatchDocument",)),
    "one-trace-diff/1": DocumentKind("diff", "analyse.diff", ("DiffDocument",), True),
    "one-trace-ci/1": DocumentKind("ci", "analyse.gate", ("CiDocument",), True),
    "one-trace-baseline/1": DocumentKind("baseline", "model.baseline", ("Baseline",)),
    "one-trace-cost/1": DocumentKind("cost", "analyse.cost", ("CostDocument",), True),
    "one-trace-doctor/1": DocumentKind("doctor", "answers.reports", ("DoctorReport",), True),
    "one-trace-explanation/1": DocumentKind("explain", "model.explanation", ("Explanation",), True),
    "one-trace-import/1": DocumentKind("import", "answers.reports", ("ImportReport",)),
    "one-trace-sync/1": DocumentKind("sync", "answers.reports", ("SyncReport",)),
    "one-trace-share/1": DocumentKind("share", "answers.reports", ("SharedRun",)),
    "one-trace-tags/1": DocumentKind("tag", "answers.reports", ("TaggedRun",)),
    "one-trace-file/1": DocumentKind("export -o FILE, open", "answers.reports", ("WrittenFile",)),
    "one-trace-stats-file/1": DocumentKind("stats -o FILE", "answers.reports", ("WrittenHistory",)),
    "one-trace-prune/1": DocumentKind("prune", "answers.reports", ("PruneReport",)),
    "one-trace-login/1": DocumentKind("login", "answers.reports", ("SavedKey",)),
    "one-trace-logout/1": DocumentKind("logout", "answers.reports", ("DeletedKey",)),
    "one-trace-agents/1": DocumentKind("setup agents", "answers.reports", ("SkillReport",)),
    "one-trace-settings/1": DocumentKind("config list", "answers.reports", ("SettingList",)),
    "one-trace-setting/1": DocumentKind("config get, set, unset", "answers.reports", ("SettingReport",)),
    "one-trace-topics/1": DocumentKind("help", "answers.reports", ("Topics",)),
    "one-trace-topic/1": DocumentKind("help TOPIC", "answers.reports", ("Topic",)),
    "one-trace-schemas/1": DocumentKind("schema", "answers.documents", ("Schemas",)),
}


class Schemas(Struct, rename="camel", kw_only=True):
    """The answer of ``trace schema``: the documents, and the commands that print them."""

    schema: str = "one-trace-schemas/1"
    documents: dict[str, str]


def schemas() -> Schemas:
    """All documents that have a schema."""
    return Schemas(documents={name: document.command for name, document in DOCUMENTS.items()})


def full_name(name: str) -> str | None:
    """The document that a user means: ``stats``, ``one-trace-stats`` or ``one-trace-stats/1``."""
    names = (name, f"{name}/1", f"one-trace-{name}", f"one-trace-{name}/1")
    return next((each for each in names if each in DOCUMENTS), None)


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document. A member that a bounded answer may leave out, because it is null or
    empty, is not required; with ``--fields`` none is but `schema`."""
    document = DOCUMENTS[name]
    kinds = [as_printed(each) if document.bounded else each for each in document.types()]
    schemas, definitions = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    for kind in kinds:
        top = definitions[kind.__name__]
        top["properties"]["schema"] = {"const": name}
        top["required"] = ["schema", *top.get("required", ())]
    if document.bounded:
        for definition in definitions.values():
            _relax(definition)
    group = "" if document.command.startswith("config ") else "trace "
    root = schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}
    return {
        "$schema": DIALECT,
        "title": name,
        "description": f"one --agent {group}{document.command}",
        **root,
        "$defs": definitions,
    }


def short_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of a document for an agent: without descriptions if it is too long with them."""
    schema = json_schema(name)
    return schema if size(schema) <= LIMIT else {**schema, "$defs": _undescribed(schema["$defs"], names=True)}


def _undescribed(value: Any, *, names: bool = False) -> Any:  # noqa: ANN401  a part of a JSON Schema
    """`names`: the members of `value` are names of a document, not words of JSON Schema."""
    if isinstance(value, list):
        return [_undescribed(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: each for key, each in value.items() if names or key not in ("description", "title")}
    return {key: _undescribed(each, names=key in ("properties", "$defs")) for key, each in kept.items()}


def as_printed(kind: type[Struct]) -> type[Struct]:
    """A struct with the members that the bounds add."""
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    added = [
        (name, type_, None)
        for name, type_ in (("omitted", Omitted | None), ("fields", list[str] | None))
        if name not in known
    ]
    return msgspec.defstruct(
        kind.__name__, added, bases=(kind,), kw_only=True, namespace={"__doc__": kind.__doc__}
    )


def _relax(definition: dict[str, Any]) -> None:
    """Require no member that may be null or empty."""
    properties = definition.get("properties", {})
    required = [name for name in definition.get("required", ()) if not _may_be_left_out(properties[name])]
    definition.pop("required", None)
    if required:
        definition["required"] = required


def _may_be_left_out(schema: dict[str, Any]) -> bool:
    return schema.get("type") in ("array", "object", "null") or any(
        _may_be_left_out(each) for each in schema.get("anyOf", ())
    )
