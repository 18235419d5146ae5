"""What LLM calls used: read from envelopes, numbers and names only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from one_trace.assemble import assemble
from one_trace.assemble.usage import read_envelope
from one_trace.model import Usage
from one_trace.record import read
from tests.assemble.recorded import lay_out

ENVELOPE = {
    "type": "result",
    "result": "the answer is secret",
    "session_id": "7d3f1c2e-0000-4000-8000-1234567890ab",
    "num_turns": 3,
    "total_cost_usd": 0.0421,
    "usage": {
        "input_tokens": 4,
        "output_tokens": 186,
        "cache_read_input_tokens": 14253,
        "cache_creation_input_tokens": 3521,
    },
    "modelUsage": {"claude-sonnet-4-5": {"inputTokens": 4}, "claude-haiku-4-5": {}},
}


def test_an_envelope() -> None:
    assert read_envelope(ENVELOPE) == Usage(
        input_tokens=4,
        output_tokens=186,
        cache_read_tokens=14253,
        cache_write_tokens=3521,
        cost_usd=0.0421,
        turns=3,
        models=["claude-sonnet-4-5", "claude-haiku-4-5"],
        sessions=["7d3f1c2e-0000-4000-8000-1234567890ab"],
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"usage": None},
        {"usage": "much"},
        {"type": "error"},
        {"type": None},
    ],
)
def test_what_is_no_envelope(changed: dict) -> None:
    assert read_envelope({**ENVELOPE, **changed}) is None


def test_hostile_numbers_and_names_say_nothing() -> None:
    hostile = {
        **ENVELOPE,
        "total_cost_usd": "1; DROP",
        "num_turns": -4,
        "session_id": "my secret sentence",
        "modelUsage": {"a model with a story to tell": {}, "x" * 500: {}},
        "usage": {"input_tokens": 1e300, "output_tokens": True, "cache_read_input_tokens": [1]},
    }
    assert read_envelope(hostile) == Usage(models=[], sessions=[])


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
    )
)
def test_anything_else_gives_nothing(value: object) -> None:
    found = read_envelope(value)
    assert found is None or isinstance(found, Usage)


def test_per_span_and_added_up(tmp_path: Path) -> None:
    (files,) = lay_out("21-bash-envelope", tmp_path)
    trace = assemble(read(files)).trace
    used = [span.usage for span in trace.spans if span.usage is not None]
    assert {span.path for span in trace.spans if span.usage} >= {
        "bash-env > per[0] > ask-each",
        "bash-env > both > pa",
    }
    total = trace.run.usage
    assert total is not None
    assert total.output_tokens == sum(usage.output_tokens for usage in used) == 186 * len(used)
    assert total.cost_usd == pytest.approx(0.02431175 * len(used))
    assert len(total.sessions) == 1


def test_no_text_of_an_envelope_gets_into_the_trace(tmp_path: Path) -> None:
    (files,) = lay_out("21-bash-envelope", tmp_path)
    assert files.state is not None
    words = json.loads(files.state.read_bytes())["context"]["steps"]["raw"]["output"]["result"]
    assert str(words)[:20] not in repr(assemble(read(files)))
