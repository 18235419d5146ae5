"""The error texts of a run, before it is stored: what waits to be sent is redacted already."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from one_trace.model.trace import Assembly
from one_trace.outbound.redact import REDACTED, redactor


def redact_errors(assembly: Assembly, env: Mapping[str, str]) -> None:
    """Take all secrets out of the errors of `assembly`, in place. A command and what it wrote are redacted
    each for itself, so that where the one ends stays known.
    """
    redact, ends = redactor(env), assembly.command_ends
    made: dict[str, str] = {}
    new_ends: dict[str, int] = {}

    def redacted(text: str) -> str:
        if text not in made:
            end = ends.get(text, 0)
            head = redact(text[:end]) if end else ""
            made[text] = head + redact(text[end:])
            if end:
                new_ends[made[text]] = len(head)
        return made[text]

    _replace(assembly, redacted)
    assembly.command_ends = new_ends


class Kept(Struct):
    """An error as the store has it, and how many of its characters are a command."""

    error: str
    command_end: int | None


def keep_redacted(assembly: Assembly, kept: Mapping[str, Kept]) -> bool:
    """Put what the store has of a span (by its id; of the run itself by "") in the place of an error that
    differs from it in what was redacted alone. Whether there was one.
    """
    run, changed = assembly.trace.run, False
    for span in assembly.trace.spans:
        text = _as_kept(assembly, kept.get(span.span_id), span.error)
        changed = changed or text != span.error
        span.error = text
    if run.cause:
        run.cause.error = _as_kept(assembly, kept.get(run.cause.span_id or ""), run.cause.error)
    return changed or "" in kept


def _as_kept(assembly: Assembly, kept: Kept | None, error: str | None) -> str | None:
    if kept is None or error is None or not _fits(_pieces(kept.error), error):
        return error
    if kept.command_end is not None:
        assembly.command_ends[kept.error] = kept.command_end
    return kept.error


def _pieces(text: str) -> list[str]:
    """What stands around the gaps of a text, which may have been cut in the midst of the last of them."""
    cut = next((n for n in range(len(REDACTED) - 1, 0, -1) if text.endswith(REDACTED[:n])), 0)
    return [*text.split(REDACTED)[:-1], text.split(REDACTED)[-1][: -cut or None]]


def _fits(pieces: list[str], text: str) -> bool:
    """Whether `text` is what the pieces were, with something in each gap."""
    if not text.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:]:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


def _replace(assembly: Assembly, made: Callable[[str], str]) -> None:
    run = assembly.trace.run
    for span in assembly.trace.spans:
        if span.error is not None:
            span.error = made(span.error)
    if run.cause and run.cause.error is not None:
        run.cause.error = made(run.cause.error)
