"""The first document that an agent asks for has the answer: a part of ``python -m tests.effect``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from one_trace import agents
from one_trace.runner import node
from tests.effect.cases import KINDS
from tests.effect.measure import cases, measure, question

SOME = (
    "output-field-was-renamed",
    "condition-takes-the-wrong-branch",
    "sub-flow-fails-deep-inside",
    "http-429-without-a-retry",
    "new-version-lowered-a-timeout",
    "step-hangs",
)
"""Each another way to the answer."""


@pytest.mark.program
def test_the_first_document_names_step_cause_place_and_edit(tmp_path: Path) -> None:
    if not list(node.candidates(dict(os.environ))):
        pytest.skip("needs Node")
    chosen = [case for case in cases() if case.name in SOME]
    lacks = {verdict.case: verdict.lacks for verdict in measure(tmp_path, chosen) if verdict.lacks}
    assert (len(chosen), lacks) == (len(SOME), {})


def test_there_are_forty_kinds_of_fault() -> None:
    assert len(KINDS) >= 40
    assert len({case.flow for case in cases()}) == len(KINDS)


def test_the_questions_are_those_of_the_skill() -> None:
    skill = (Path(agents.__file__).parent / "SKILL.md").read_text()
    case = cases()[0]
    rows = {"failed": "`show RUN --failed`", "insights": "`insights KEY`", "diff": "`diff KEY@prev KEY@last`"}
    for ask, row in rows.items():
        assert row in skill
        case.ask = ask
        words = question(case, {"next": "one --agent trace show RUN --failed"})[3:]
        assert " ".join(words).replace(case.flow, "KEY") == row.strip("`")
