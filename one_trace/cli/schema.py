"""`trace schema`: the JSON Schema of each document."""

from __future__ import annotations

import click

from one_trace.answers import documents
from one_trace.cli.out import out
from one_trace.cli.pages import examples
from one_trace.errors import WrongUsage


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in documents.DOCUMENTS if name.startswith(incomplete)]


@click.command("schema", epilog=examples("one trace schema", "one trace schema one-trace-stats/1"))
@click.argument("name", required=False, shell_complete=_names)
def command(name: str | None) -> None:
    """Print the JSON Schema of a document; without NAME, list the documents."""
    speaker = out()
    if name is None:
        listing = documents.schemas()
        width = max(map(len, listing.documents))
        rows = [f"{document:<{width}}  {command}" for document, command in listing.documents.items()]
        speaker.answer(listing, speaker.page.text("\n".join(rows)))
        return
    known = documents.full_name(name)
    if known is None:
        raise WrongUsage(f"there is no document '{name}'", hint=_hint(name))
    schema = documents.short_schema(known) if speaker.agent else documents.json_schema(known)
    speaker.answer(schema, lambda: _indented(schema))


def _hint(name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, documents.DOCUMENTS, n=1)
    return f"Did you mean '{near[0]}'?" if near else "See 'one trace schema'."


def _indented(schema: dict[str, object]) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode()
