"""Validation problems have One CLI's messages, each here as version 1.52.1 printed it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flows import XS, Project, code, flow, loop, parallel, step, subflow, transform

from one_trace.runner.validate import validate

ORDER = (
    " which is declared after the current step. Steps execute in declaration order, so this will always"
    " resolve to undefined at runtime — move the dependency earlier in the steps array."
)
TYPES = (
    "action, transform, code, condition, loop, parallel, file-read, file-write, while, flow, paginate, bash"
)


class Parses:
    """Parses everything except marked sources."""

    def source(self, text: str) -> str | None:
        return "Unexpected token" if "((" in text else None

    def file(self, path: str) -> str | None:
        return "SyntaxError: no" if path.endswith("bad.mjs") else None


def printed(*steps: Any, inputs: Any = None, root: str | None = None, **more: Any) -> list[tuple[str, str]]:
    whole = flow("main", *steps, **more) | {"inputs": inputs or {}}
    return [(one["path"], one["message"]) for one in validate(whole, root, Parses())]


def test_a_valid_flow_has_no_problems() -> None:
    steps = [transform("a"), loop("l", transform("b", "$.loop.x")), transform("c", "$.steps.b.output")]
    assert printed(*steps, inputs=XS) == []


@pytest.mark.parametrize("flow", [None, 5, "x", True])
def test_a_flow_must_be_an_object(flow: Any) -> None:
    assert validate(flow, None, Parses()) == [{"path": "", "message": "Flow must be a JSON object"}]


def test_the_head_of_a_flow() -> None:
    bad = {"key": "Bad Key", "name": 5, "description": 1, "version": 2, "inputs": [], "steps": {}}
    assert [(one["path"], one["message"]) for one in validate(bad, None, Parses())] == [
        ("key", "Flow key must be kebab-case (lowercase letters, numbers, hyphens)"),
        ("name", 'Flow must have a string "name"'),
        ("description", '"description" must be a string'),
        ("version", '"version" must be a string'),
        ("inputs", 'Flow must have an "inputs" object'),
        ("steps", 'Flow must have a "steps" array'),
    ]


def test_inputs_come_in_javascripts_order() -> None:
    inputs = {"b": 5, "a": {"type": "x", "enum": [], "connection": 5}, "2": {}, "1": {"type": "string"}}
    types = "Input type must be one of: string, number, boolean, object, array"
    assert printed(inputs=inputs) == [
        ("inputs.2.type", types),
        ("inputs.b", "Input declaration must be an object"),
        ("inputs.a.type", types),
        ("inputs.a.enum", '"enum" must be a non-empty array of allowed values'),
        ("inputs.a.connection", "Connection metadata must be an object"),
    ]


def test_invalid_steps() -> None:
    assert printed(None, {"id": "", "name": 5, "type": "constructor"}) == [
        ("steps[0]", "Step must be an object"),
        ("steps[1].id", 'Step must have a string "id"'),
        ("steps[1].name", 'Step must have a string "name"'),
        ("steps[1].type", f"Step type must be one of: {TYPES}"),
    ]


def test_misplaced_fields_are_named() -> None:
    flat = {"id": "a", "name": "a", "type": "loop", "over": "x", "as": "y", "steps": []}
    hint = '"over", "as", "steps" must be nested inside "loop": { ... }, not placed directly on the step'
    assert printed(flat) == [("steps[0].loop", f'Loop step must have a "loop" config object. Hint: {hint}')]


def test_fields_of_the_wrong_type() -> None:
    config = {"over": 5, "as": "", "steps": "x", "maxIterations": 0, "maxConcurrency": "3"}
    assert printed(step("loop", "l", config)) == [
        ("steps[0].loop.over", '"over" must be a string'),
        ("steps[0].loop.as", 'Loop must have a string "as"'),
        ("steps[0].loop.steps", '"steps" must be a steps array'),
        ("steps[0].loop.maxIterations", "maxIterations must be a positive number"),
        ("steps[0].loop.maxConcurrency", "maxConcurrency must be a positive number"),
    ]


def test_connections_of_actions() -> None:
    both = {"platform": "p", "actionId": "x", "connectionKey": "k", "connection": {"platform": "p"}}
    typo = {"platform": "p", "actionId": "x", "connection": {"platform": "p", "tag": 5, "tags": 1}}
    prefer = 'Prefer "connection: { platform, tag? }" so re-auth doesn\'t break the flow.'
    assert printed(step("action", "a", both), step("action", "b", typo)) == [
        ("steps[0].action", f'Action has both "connectionKey" and "connection" — set exactly one. {prefer}'),
        ("steps[1].action.connection.tag", '"connection.tag" must be a string when set'),
        (
            "steps[1].action.connection.tags",
            'Unknown field "tags" in connection ref. Allowed: platform, tag.',
        ),
    ]


def test_code_has_a_source_or_a_module_that_parses() -> None:
    both = step("code", "b", {"source": "1", "module": "x.mjs"})
    outside, absolute = (step("code", name, {"module": name}) for name in ("../x.mjs", "/x.mjs"))
    assert printed(step("code", "a"), both, outside, absolute, code("c", "return ((")) == [
        (
            "steps[0].code",
            'Code step must define either "source" (inline JS) or "module" (path to .mjs file)',
        ),
        ("steps[1].code", 'Code step cannot define both "source" and "module" — pick one'),
        ("steps[2].code.module", 'Code module path must not escape the flow folder ("..")'),
        ("steps[3].code.module", "Code module path must be relative to the flow folder (no absolute paths)"),
        ("steps[4].code.source", "Syntax error in code step: Unexpected token"),
    ]


def test_modules_are_checked(tmp_path) -> None:
    (tmp_path / "bad.mjs").write_text("// $.steps.zz.output")
    assert printed(
        *(step("code", name, {"module": f"{name}.mjs"}) for name in ("bad", "no")), root=str(tmp_path)
    ) == [
        ("steps[0].code.module", 'Selector "$.steps.zz.output" references undefined step "zz"'),
        ("steps[0].code.module", 'Syntax error in code module "bad.mjs": SyntaxError: no'),
        ("steps[1].code.module", f'Code module "no.mjs" not found at {tmp_path}/no.mjs'),
    ]


def test_ids_are_unique() -> None:
    inside = step("condition", "b", {"expression": "1", "then": [transform("a")], "else": [transform("b")]})
    assert printed(transform("a"), inside) == [
        ("steps[1].condition.then[0].id", 'Duplicate step ID: "a"'),
        ("steps[1].condition.else[0].id", 'Duplicate step ID: "b"'),
    ]


def test_selectors_refer_to_earlier_steps_and_inputs() -> None:
    steps = [
        transform("a", "$.steps.b.output + $.input.nope"),
        parallel("p", transform("x"), transform("b", "$.steps.x.output + $.steps.p.output")),
        transform("c", "$.steps.b.output", **{"if": "$.steps.zz.x"}, requires=["$.steps.d.output"]),
        subflow("d", "sub", {"v": "$.input.w || 1", "u": "{{$.steps.a-b.output}}"}),
    ]
    dots = "Selectors in data fields use dot-path resolution, not JS evaluation."
    advice = 'Use the "default" field on the input definition instead, '
    advice += 'or use a "code" step for complex expressions.'
    assert printed(*steps) == [
        ("steps[0].transform.expression", f'Selector "$.steps.b.output" references step "b"{ORDER}'),
        ("steps[0].transform.expression", 'Selector "$.input.nope" references undefined input "nope"'),
        (
            "steps[1].parallel.steps[1].transform.expression",
            f'Selector "$.steps.p.output" references step "p"{ORDER}',
        ),
        ("steps[2].if", 'Selector "$.steps.zz.x" references undefined step "zz"'),
        ("steps[2].requires[0]", f'Selector "$.steps.d.output" references step "d"{ORDER}'),
        ("steps[3].flow.inputs", 'Selector "$.input.w" references undefined input "w"'),
        ("steps[3].flow.inputs", 'Selector "$.steps.a-b.output" references undefined step "a-b"'),
        (
            "steps[3].flow.inputs.v",
            f'Selector "$.input.w || 1" contains unsupported operator "||". {dots} {advice}',
        ),
    ]


def test_declared_outputs_are_compared_with_selectors() -> None:
    a = transform("a", outputSchema={"x": "string", "y": {"z": "number"}, "w": "bad"})
    b = transform("b", "$.steps.a.output.x.deep + $.steps.a.output.y.q")
    fix = 'which is not declared in step "a".outputSchema. '
    fix += "Either fix the field name or update the outputSchema declaration."
    allowed = "string, number, boolean, object, array, unknown"
    assert printed(a, b) == [
        ('step "a".outputSchema.w', f'outputSchema field "w" has unknown type "bad". Allowed: {allowed}.'),
        ("steps[1].transform.expression", f'Selector "$.steps.a.output.y.q" references field "y.q" {fix}'),
    ]


def test_file_schemas_are_checked() -> None:
    shape = {
        "a": "nope",
        "b": {"minItems": 3, "maxItems": 1, "type": "array"},
        "c": {"items": "string"},
        "d": {"type": [1, None, "x"]},
        "e": {"enum": [{}]},
    }
    read = step("file-read", "r", {"path": "x", "schema": shape})
    at = "steps[0].fileRead.schema"
    allowed = "Allowed: string, number, boolean, object, array, null, unknown."
    assert printed(read) == [
        (at, "fileRead.schema is only checked when parseJson:true — set parseJson:true or remove schema."),
        (f"{at}.a", f'unknown type "nope". {allowed}'),
        (f"{at}.b.minItems", '"minItems" must be <= "maxItems"'),
        (f"{at}.c.type", '"items"/"minItems"/"maxItems"/"length" require "type": "array"'),
        (f"{at}.d.type", f'unknown type "1,,x". {allowed}'),
        (f"{at}.e.enum", '"enum" entries must be primitives (string/number/boolean) or null'),
    ]


def test_validate_prints_one_document(project: Project) -> None:
    project.flows(flow("main", code("a", "return (")))
    ran = project.one("--agent", "flow", "validate", "main")
    message = "Syntax error in code step: Unexpected token '}'"
    assert (ran.code, ran.lines) == (
        1,
        [{"valid": False, "errors": [{"path": "steps[0].code.source", "message": message}]}],
    )
    project.flows(flow("main", code("a")))
    assert project.one("--agent", "flow", "validate", "main").lines == [{"valid": True, "key": "main"}]


@pytest.mark.parametrize("text", ["null", "[]", "5", "{}", '"x"', "{", ""])
def test_an_unreadable_flow_is_one_error(project: Project, text: str) -> None:
    project.write(".one/flows/main/flow.json", text)
    ran = project.one("--agent", "flow", "execute", "main")
    assert ran.code == 1
    assert "error" in json.loads(ran.stdout)
    assert ran.stderr == ""
