"""Variables of the environment that a step that failed reads, and that are not set."""

from __future__ import annotations

import re
from collections.abc import Iterator

from one_trace.analyse.edit import Edit
from one_trace.answers.edits.evidence import Evidence, Written
from one_trace.model.trace import Span

_NAME = r"([A-Za-z_]\w*)"
_READ = re.compile(
    rf"(?:\$\.env|process\.env)(?:\.{_NAME}|\[\s*[\"']{_NAME}[\"']\s*\])(?!\s*(?:\?|\|\||&&|\w))"
)
_COMPLAINT = re.compile(
    rf"\b{_NAME}: (?:unbound variable|parameter (?:null or )?not set|must be set|not set)"
    rf"|\bKeyError: '{_NAME}'|\b{_NAME} (?:is not set|is required|environment variable)"
    rf"|[Mm]issing (?:environment variable|env(?: var)?):? {_NAME}"
)
_CLASSES = re.compile(r"SCRIPT|EXIT|INPUT|OTHER|NETWORK|HTTP_40[13]\Z|API")


def unset_variables(evidence: Evidence, span: Span, written: Written) -> Iterator[Edit]:
    """Those that its texts read without an alternative, or that its error names."""
    cause = evidence.cause
    if cause is None or not _CLASSES.match(cause.error_class or ""):
        return
    named = {next(filter(None, found)) for found in _COMPLAINT.findall(cause.error or "")}
    seen: set[str] = set()
    for part, text in sorted(written.texts()):
        for name, line in [*_read(text), *_named(text, named)]:
            if name in seen or evidence.is_set(name):
                continue
            seen.add(name)
            yield Edit(
                kind="set-variable",
                path=span.path,
                at=written.at(part),
                text_line=line if "\n" in text or part.startswith("code/") else None,
                text=f"the variable {name} is not set in the environment: set it, or give a default here",
            )


def _read(text: str) -> Iterator[tuple[str, int]]:
    for found in _READ.finditer(text):
        yield found[1] or found[2], text.count("\n", 0, found.start()) + 1


def _named(text: str, names: set[str]) -> Iterator[tuple[str, int]]:
    for name in sorted(names):
        at = re.search(rf"\b{re.escape(name)}\b", text)
        if at:
            yield name, text.count("\n", 0, at.start()) + 1
