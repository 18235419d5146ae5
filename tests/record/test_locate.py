"""The line of a flow file on which a step begins."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from one_trace.record.locate import line_of

FLOW = """{
  "key": "a", "note": "steps: [",
  "steps": [
    {"id": "x"},
    {
      "id": "y",
      "loop": {"steps": [
        {"id": "z"} ] }
    }
  ]
}
"""


def test_a_step_is_found_at_any_depth():
    assert line_of(FLOW, "") == 1
    assert line_of(FLOW, "/steps/0") == 4
    assert line_of(FLOW, "/steps/1") == 5
    assert line_of(FLOW, "/steps/1/loop/steps/0") == 8


def test_a_missing_value_has_no_line():
    for pointer in ("/steps/2", "/nothing", "/key/0", "/steps/x"):
        assert line_of(FLOW, pointer) is None
    assert line_of("{", "/a") is None
    assert line_of('{"a": ' + "[" * 100_000, "/a/0") in (None, 1)


def test_of_members_with_one_name_the_last_counts():
    assert line_of('{"a": 1,\n"a": 2}', "/a") == 2
    assert line_of('{"a/b": 1,\n"m~n": 2}', "/m~0n") == 2


JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


def _pointers(value, at=""):
    yield at, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield from _pointers(inner, f"{at}/{str(name).replace('~', '~0').replace('/', '~1')}")


@given(JSON)
def test_every_value_of_any_document_is_found_where_it_begins(value):
    text = json.dumps(value, indent=1)
    lines = text.split("\n")
    for pointer, inner in _pointers(value):
        line = line_of(text, pointer)
        assert line is not None
        assert json.dumps(inner)[0] in lines[line - 1]
