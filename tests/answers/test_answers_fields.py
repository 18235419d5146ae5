"""`--fields`: the members that are named, and a message with the nearest names for any other."""

from __future__ import annotations

import pytest
from answers.conftest import bounds, flat

from one_trace.answers.fields import Selection
from one_trace.answers.run import RunAnswer, answer
from one_trace.errors import WrongUsage


def test_only_the_fields_that_were_asked_for_are_there() -> None:
    found = answer(flat(2), bounds=bounds(fields="run.status, steps.path"))
    assert found["run"] == {"status": "success"}
    assert found["steps"] == [{"path": "my-flow > step-0"}, {"path": "my-flow > step-1"}]
    assert found["fields"] == ["run.status", "steps.path"]
    assert set(found) <= {"schema", "filter", "fields", "omitted", "next", "run", "steps"}


def test_a_name_alone_means_the_fields_of_that_name_nearest_to_the_top() -> None:
    assert Selection(RunAnswer, "traceId").paths == ["run.traceId"]
    assert Selection(RunAnswer, "maxMs").paths == [
        f"{rows}.maxMs" for rows in ("failed", "retried", "slowest", "steps")
    ]


@pytest.mark.parametrize(
    ("fields", "message", "hint"),
    [
        ("statsu", "there is no field 'statsu'", "status"),
        ("nothing-like-it", "there is no field 'nothing-like-it'", "one trace schema"),
        ("run.nope", "there is no field 'run.nope'", ""),
        (" , ", "names no field", "commas"),
    ],
)
def test_an_unknown_field_is_one_line_with_the_nearest_names(fields: str, message: str, hint: str) -> None:
    with pytest.raises(WrongUsage) as caught:
        Selection(RunAnswer, fields)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
