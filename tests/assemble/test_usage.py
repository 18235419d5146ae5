"""What LLM calls used: read from envelopes, numbers and names only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from one_trace.assemble import assemble
from one_trace.assemble.sizes.usage import read_envelope, usage_in_text
from one_trace.model.trace import PartedUsage, Usage
from one_trace.record.reading import read
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


CODEX = [
    {"type": "thread.started", "thread_id": "0199a213-81c0-7800-8aa1-bbab2a035a53"},
    {"type": "item.completed", "item": {"type": "agent_message", "text": "secret"}},
    {
        "type": "turn.completed",
        "usage": {"input_tokens": 24763, "cached_input_tokens": 24448, "output_tokens": 122},
    },
]
GEMINI = {
    "response": "secret",
    "stats": {
        "models": {
            "gemini-2.5-pro": {
                "api": {"totalRequests": 2},
                "tokens": {"prompt": 24939, "candidates": 20, "cached": 21263, "thoughts": 154},
            },
            "gemini-2.5-flash": {
                "api": {"totalRequests": 1},
                "tokens": {"prompt": 8965, "candidates": 10, "cached": 0, "thoughts": 30},
            },
        }
    },
}
OPENCODE = [
    {"type": "step_start", "sessionID": "ses_1"},
    {
        "type": "step_finish",
        "sessionID": "ses_1",
        "part": {
            "cost": 0.001,
            "tokens": {"input": 671, "output": 8, "reasoning": 2, "cache": {"read": 21415, "write": 5}},
        },
    },
]
STREAM = [
    {"type": "system", "subtype": "init", "session_id": "s-1"},
    {"type": "assistant", "message": {"model": "claude-sonnet-4-5", "usage": {"input_tokens": 1}}},
    ENVELOPE,
]


def lines(values: list[dict]) -> str:
    return "\n".join(json.dumps(value) for value in values)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (lines(STREAM), (4, 186, 14253, 3521)),
        ("Warning: no stdin\n" + json.dumps(ENVELOPE), (4, 186, 14253, 3521)),
        ("Warning: {not json\n" + json.dumps(ENVELOPE, indent=2) + "\ndone", (4, 186, 14253, 3521)),
        (lines([ENVELOPE, ENVELOPE]), (8, 372, 28506, 7042)),
        (lines(CODEX), (315, 122, 24448, 0)),
        (json.dumps(GEMINI), (12641, 214, 21263, 0)),
        (lines(OPENCODE), (671, 10, 21415, 5)),
        (json.dumps({"model": "gpt-5", "usage": {"prompt_tokens": 9, "completion_tokens": 3}}), (9, 3, 0, 0)),
    ],
)
def test_what_agents_print(text: str, tokens: tuple[int, ...]) -> None:
    found = usage_in_text(text)
    assert found is not None
    shown = (found.input_tokens, found.output_tokens, found.cache_read_tokens, found.cache_write_tokens)
    assert shown == tokens
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "text", ["", "{", "usage: 12 tokens", '{"usage": 3}', '[{"type": "result"}]', "[" * 5000]
)
def test_what_is_no_call(text: str) -> None:
    assert usage_in_text(text) is None


def test_the_models_of_one_call_tell_their_parts() -> None:
    found = usage_in_text(json.dumps(GEMINI))
    assert isinstance(found, PartedUsage)
    assert {name: used.output_tokens for name, used in found.per_model.items()} == {
        "gemini-2.5-pro": 174,
        "gemini-2.5-flash": 40,
    }


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
    assembly = assemble(read(files))
    trace = assembly.trace
    used = [span.usage for span in trace.spans if span.usage is not None]
    assert {span.path for span in trace.spans if span.usage} >= {
        "bash-env > per[0] > ask-each",
        "bash-env > both > pa",
    }
    total = trace.run.usage
    assert total is not None
    # 186 of the model that answered, 32 of the one that helped it
    assert total.output_tokens == sum(usage.output_tokens for usage in used) == (186 + 32) * len(used)
    assert [sorted(parts) for parts in assembly.model_parts.values()] == [
        ["claude-haiku-4-5-20251001", "claude-sonnet-4-5-20250929"]
    ] * len(used)
    assert total.cost_usd == pytest.approx(0.02431175 * len(used))
    assert len(total.sessions) == 1


def test_no_text_of_an_envelope_gets_into_the_trace(tmp_path: Path) -> None:
    (files,) = lay_out("21-bash-envelope", tmp_path)
    assert files.state is not None
    words = json.loads(files.state.read_bytes())["context"]["steps"]["raw"]["output"]["result"]
    assert str(words)[:20] not in repr(assemble(read(files)))
