"""A run as Markdown: short, whatever the run; what failed stands in it; nothing of a name is markup."""

from __future__ import annotations

import re

import pytest
from made import USAGE, assembly, loop, span
from markdown_it import MarkdownIt
from truths import RECORDINGS, recorded

from one_trace.export.formats import FORMATS
from one_trace.model.trace import Cause, Location, Span, Trace
from one_trace.outbound.sanitize import sanitize

CASES = sorted(path.parent.name for path in RECORDINGS.glob("*/truth.json*"))
COMMENT = 65_536
"""Characters that a comment on GitHub may have."""
HOSTILE = (
    "`|</details><img src=x> @octocat [a](http://x) \\| ```\n# b ##[group]\n::debug::\x1b[2J\u202e" * 200
)
PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")
BLOCKS = {"heading", "paragraph", "fence", "table", "thead", "tbody", "tr", "th", "td", "inline"}
INLINE = {"text", "code_inline", "html_inline", "strong_open", "strong_close"}


def page(trace: Trace) -> str:
    return FORMATS["markdown"](trace).decode()


def check_inert(text: str) -> None:
    """There is nothing in a page but headings, paragraphs, tables and code."""
    for token in PARSER.parse(text):
        assert token.type.removesuffix("_open").removesuffix("_close") in BLOCKS, token
        for child in token.children or []:
            assert child.type in INLINE, child
            assert child.type != "html_inline" or child.content in ("<code>", "</code>"), child


@pytest.mark.parametrize("case", CASES)
def test_a_page_names_outcome_and_cause(case: str) -> None:
    trace = recorded(case)
    text = page(trace)
    check_inert(text)
    assert text.startswith(f"### `{trace.run.flow_key}` ")
    assert f"`{trace.run.run_id}`" in text
    if trace.run.cause:
        assert f"**Cause:** `{trace.run.cause.path}` failed" in text
    assert len(text) < 5000


def deep(levels: int) -> Trace:
    spans: list[Span] = []
    for at in range(levels):
        spans.append(span(f"s{at}", *spans[-1:], type="flow"))
    return assembly(spans=spans).trace


def hostile() -> Trace:
    bad = {"name": HOSTILE, "type": HOSTILE, "error": HOSTILE, "error_code": HOSTILE, "status": "error"}
    each = span("each", type="loop", usage=USAGE)
    spans = [each, *(span(f"{HOSTILE}{at}", each, iteration=at, usage=USAGE, **bad) for at in range(90))]
    cause = Cause(path=HOSTILE, error=HOSTILE, at=Location(file=HOSTILE, pointer=HOSTILE, line=3))
    return assembly(spans=spans, flow_key=HOSTILE, status="error", cause=cause, usage=USAGE).trace


@pytest.mark.parametrize(
    "trace", [hostile(), deep(3000), loop(20_000).trace], ids=["hostile", "deep", "large"]
)
def test_a_page_fits_a_comment_and_no_name_is_markup(trace: Trace) -> None:
    text = page(trace)
    check_inert(text)
    assert len(text) < COMMENT
    assert not re.search(r"##\[|^\s*::", text, re.MULTILINE), "a command for GitHub's runner"
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_tree_has_what_mattered_and_counts_the_rest() -> None:
    spans = [span(f"quick{at}", start_ms=float(at), duration_ms=1.0) for at in range(40)]
    outer = span("outer", type="flow", start_ms=50.0, duration_ms=900.0)
    spans += [outer, span("slow", outer, start_ms=50.0, duration_ms=890.0, retries=2, attempts=3)]
    spans += [span(f"late{at}", outer, start_ms=945.0, duration_ms=1.0) for at in range(3)]
    failed = span("bad", start_ms=950.0, status="error", error="password=hunter2", error_code="HTTP_503")
    at = Location(file=".one/flows/my-flow/flow.json", pointer="/steps/2", line=31)
    cause = Cause(span_id=failed.span_id, path=failed.path, error_class="HTTP_503", error=failed.error, at=at)
    trace = assembly(spans=[*spans, failed], duration_ms=1000.0, status="error", cause=cause).trace
    text = page(trace)
    assert text.split("```")[1].split("\n")[1:-1] == [
        "... 40 steps more",
        "outer  900ms",
        "  slow  890ms, 3 attempts",
        "  ... 3 steps more",
        "bad  10ms, error, HTTP_503",
    ]
    assert "failed with `HTTP_503` at `.one/flows/my-flow/flow.json:31`." in text
    assert "| `outer > slow` | 890ms | 89% | 1 |" in text
    assert "hunter2" not in text
    full = FORMATS["markdown"](trace, sanitize(trace, lambda text: text.replace("hunter2", "[redacted]")))
    assert b"password=[redacted]" in full
