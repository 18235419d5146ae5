"""What to edit where a run has no end: the steps that were running then."""

from __future__ import annotations

import re
from collections.abc import Iterator

from one_trace.analyse.edit import Edit, Operation
from one_trace.answers.edits.evidence import Evidence, Written
from one_trace.model.trace import Span

_EXITS = re.compile(r"\bprocess\.(?:exit|kill|abort)\s*\(")
_GENEROUS_MS = 60_000


def unended(evidence: Evidence) -> Iterator[Edit]:
    """Of each step that never ended, but for those that waited for it."""
    if evidence.trace.run.status != "incomplete":
        return
    open_spans = [span for span in evidence.trace.spans if span.status == "incomplete"]
    waiting = {span.parent_span_id for span in open_spans}
    for span in open_spans:
        written = evidence.step_of(span) if span.span_id not in waiting else None
        if written is not None:
            yield _ends_it(span, written) or _limit(span, written)


def _ends_it(span: Span, written: Written) -> Edit | None:
    source = written.config.get("source")
    found = _EXITS.search(source) if written.type == "code" and isinstance(source, str) else None
    if found is None or not isinstance(source, str):
        return None
    text = f"{found[0]}) ends the whole run without a result: throw an error instead"
    line = source.count("\n", 0, found.start()) + 1
    return Edit(kind="fix-code", path=span.path, at=written.at("code/source"), text_line=line, text=text)


def _limit(span: Span, written: Written) -> Edit:
    limit = written.step.get("timeoutMs")
    text = f"{span.step_id} was running when the run ended"
    if isinstance(limit, int | float):
        text += f", before its timeoutMs of {limit:g} was over: a lower one would end it earlier if it hangs"
        return Edit(kind="set-timeout", path=span.path, at=written.at("timeoutMs"), text=text)
    text += ": if it hangs, a timeoutMs ends it with an error that names it"
    patch = [Operation(op="add", path=f"{written.pointer}/timeoutMs", value=_GENEROUS_MS)]
    return Edit(kind="set-timeout", path=span.path, at=written.at("timeoutMs"), text=text, patch=patch)
