"""`trace schema`: each document has a JSON Schema, and what the commands print is valid against it."""

from __future__ import annotations

import pytest
from documents import check_document

from one_trace.answers.documents import DOCUMENTS, json_schema


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_document_has_a_schema_that_names_it(machine, name) -> None:
    schema = machine.one("--agent", "trace", "schema", name).document
    assert schema["$schema"].endswith("2020-12/schema")
    assert any(
        each["properties"]["schema"] == {"const": name}
        for each in schema["$defs"].values()
        if "properties" in each
    )
    assert machine.one("trace", "schema", name).out.startswith(b"{\n")


def test_the_documents_are_listed_and_may_be_named_in_short(machine) -> None:
    assert set(machine.one("--agent", "trace", "schema").document["documents"]) == set(DOCUMENTS)
    assert machine.one("--agent", "trace", "schema", "stats").document["title"] == "one-trace-stats/1"
    unknown = machine.one("--agent", "trace", "schema", "sttas")
    assert (unknown.code, unknown.document["error"]["code"]) == (2, "wrong-usage")


def test_references_lead_to_definitions() -> None:
    for name in DOCUMENTS:
        schema = json_schema(name)
        assert all(each.removeprefix("#/$defs/") in schema["$defs"] for each in _references(schema)), name


def _references(value: object) -> list[str]:
    if isinstance(value, list):
        return [each for item in value for each in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [each for item in value.values() for each in _references(item)]


@pytest.mark.parametrize(
    "wrong", [{"total": "many"}, {"unknown": 1}, {"runs": [{"runId": 3}]}, {"schema": "one-trace-nothing/1"}]
)
def test_a_document_that_is_not_valid_is_noticed(wrong) -> None:
    valid = {"schema": "one-trace-list/1", "total": 0, "runs": []}
    check_document(valid)
    with pytest.raises(AssertionError):
        check_document({**valid, **wrong})
