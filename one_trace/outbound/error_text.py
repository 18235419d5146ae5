"""Error texts: redacted before they are stored, and once more before they leave."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from one_trace.model.trace import Assembly
from one_trace.outbound.redact import REDACTED, Redact, redact, redactor, without_torn_word


def outgoing(command_ends: Mapping[str, int]) -> Redact:
    """The function that stored error text passes on its way out (``traces.errors = full``): commands, source
    lines and secrets are taken out. `command_ends`: how many characters of an error text are a command.
    """
    from one_trace.outbound.quoted_code import without_quotes

    return lambda text: redact(without_torn_word(without_quotes(text, command_ends)))


def redact_errors(assembly: Assembly, env: Mapping[str, str]) -> None:
    """Take all secrets out of the errors of `assembly`, in place. A command and its output are redacted
    separately, so that the end of the command stays known.
    """
    redact_run, ends = redactor(env), assembly.command_ends
    done: dict[str, str] = {}
    new_ends: dict[str, int] = {}

    def redacted(text: str) -> str:
        if text not in done:
            end = ends.get(text, 0)
            command = redact_run(text[:end]) if end else ""
            done[text] = command + redact_run(text[end:])
            if end:
                new_ends[done[text]] = len(command)
        return done[text]

    _replace(assembly, redacted)
    assembly.command_ends = new_ends


class KeptText(Struct):
    """An error as the store has it, and how many of its characters are a command."""

    error: str
    command_end: int | None


def keep_redacted(assembly: Assembly, kept: Mapping[str, KeptText]) -> bool:
    """Replace errors by those of the store (by span id; that of the cause by ""), if they differ only in what
    was redacted. Returns whether any was replaced.
    """
    run, changed = assembly.trace.run, False
    for span in assembly.trace.spans:
        text = _as_kept(assembly, kept.get(span.span_id), span.error)
        changed = changed or text != span.error
        span.error = text
    if run.cause:
        run.cause.error = _as_kept(assembly, kept.get(""), run.cause.error)
    return changed or "" in kept


def _as_kept(assembly: Assembly, kept: KeptText | None, error: str | None) -> str | None:
    if kept is None or error is None or not _fits(_pieces(kept.error), error):
        return error
    if kept.command_end is not None:
        assembly.command_ends[kept.error] = kept.command_end
    return kept.error


def _pieces(text: str) -> list[str]:
    """The text around each redaction. The last redaction may have been cut off halfway."""
    cut = next((n for n in range(len(REDACTED) - 1, 0, -1) if text.endswith(REDACTED[:n])), 0)
    return [*text.split(REDACTED)[:-1], text.split(REDACTED)[-1][: -cut or None]]


def _fits(pieces: list[str], text: str) -> bool:
    """Whether `text` is the pieces in order, with anything between them."""
    if not text.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:]:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True


def _replace(assembly: Assembly, redacted: Callable[[str], str]) -> None:
    run = assembly.trace.run
    for span in assembly.trace.spans:
        if span.error is not None:
            span.error = redacted(span.error)
    if run.cause and run.cause.error is not None:
        run.cause.error = redacted(run.cause.error)
    for upload in run.uploads:
        upload.error = upload.error and redacted(upload.error)
