"""Runs that do well, but slowly, dearly or seldom: one kind a function."""

from __future__ import annotations

import json

from tests.effect.cases import (
    Before,
    Case,
    Draft,
    Expected,
    Place,
    bash,
    code,
    condition,
    kind,
    loop,
    parallel,
    transform,
    wait,
)

COUNT = "n=$(cat {file} 2>/dev/null || echo 0); n=$((n + 1)); echo $n > {file}; "
"""Shell that counts the runs in a file."""


def asked(
    draft: Draft, rule: str, step: str, *steps: dict, tail: str = "", path: str = "", **more: object
) -> Case:
    """A finding about a step."""
    place = Place(draft.flow, step)
    edit = Place(draft.flow, step, tail) if tail else place
    says = more.pop("says", ())
    expected = Expected(path or draft.path(step), rule, place, edit, status="success", says=says)
    return draft.failed(expected, *steps, ask=more.pop("ask", "insights"), **more)


@kind
def one_step_takes_most_of_the_time(draft: Draft) -> Case:
    name = draft.id()
    return asked(draft, "slow", name, code(name, wait(600)))


@kind
def loop_could_be_concurrent(draft: Draft) -> Case:
    each = draft.id()
    body = code(draft.id(), wait(60, "$.loop.item"))
    declared = {"rows": {"type": "array", "required": False, "default": list(range(10)), "description": ""}}
    made = loop(each, "$.input.rows", body)
    return asked(
        draft,
        "sequential-loop",
        each,
        made,
        tail="/loop/maxConcurrency",
        declared=declared,
        before=[Before(2)],
    )


@kind
def neighbours_are_independent(draft: Draft) -> Case:
    one, two = draft.id(), draft.id()
    steps = [bash(one, "sleep 0.3"), bash(two, "sleep 0.35")]
    return asked(draft, "independent-steps", one, *steps, before=[Before(2)], says=(two,))


@kind
def one_branch_is_the_slowest(draft: Draft) -> Case:
    block, slow = draft.id(), draft.id()
    made = parallel(block, code(slow, wait(500)), code(draft.id(), wait(60)))
    return asked(draft, "uneven-parallel", block, made, before=[Before(2)], says=(slow,))


@kind
def timeout_is_near(draft: Draft) -> Case:
    name = draft.id()
    made = code(name, wait(270), timeoutMs=320)
    return asked(draft, "near-timeout", name, made, tail="/timeoutMs", before=[Before(8)])


@kind
def step_is_flaky(draft: Draft) -> Case:
    name = draft.id()
    command = COUNT.format(file="n") + "test $((n % 3)) -ne 1"
    return asked(draft, "flaky", name, bash(name, command), tail="/onError", before=[Before(10)])


@kind
def first_attempt_always_fails(draft: Draft) -> Case:
    name = draft.id()
    command = COUNT.format(file="n") + "sleep 0.2; test $((n % 2)) -eq 0"
    made = bash(name, command, onError={"strategy": "retry", "retries": 2, "retryDelayMs": 10})
    return asked(draft, "retried", name, made, before=[Before(5)])


@kind
def step_fails_every_time_since(draft: Draft) -> Case:
    name = draft.id()
    made = bash(name, 'test -z "$BROKEN"')
    before = [Before(6), Before(3, env={"BROKEN": "1"})]
    return asked(draft, "failing", name, made, before=before, env={"BROKEN": "1"})


@kind
def step_is_slower_since_a_version(draft: Draft) -> Case:
    name = draft.id()
    steps = draft.around(code(name, wait(40)))
    new = [code(name, wait(240)) if one["id"] == name else one for one in steps]
    before = [Before(8, {draft.flow: draft.define(*steps)}), Before(6)]
    return asked(draft, "slower", name, *new, exact=True, before=before)


@kind
def output_grows(draft: Draft) -> Case:
    name = draft.id()
    declared = {"rows": {"type": "number", "required": False, "default": 10, "description": ""}}
    made = code(name, "return 'x'.repeat($.input.rows * 1000);")
    before = [Before(8, inputs={"rows": "10"}), Before(6, inputs={"rows": "90"})]
    return asked(draft, "output-grows", name, made, declared=declared, before=before, inputs={"rows": "90"})


def spent(usd: str, model: str = "claude-sonnet-4") -> str:
    """A command that prints what an agent's program prints."""
    envelope = {
        "type": "result",
        "result": "done",
        "total_cost_usd": 0,
        "usage": {"input_tokens": 100, "output_tokens": 50},
        "modelUsage": {model: {"inputTokens": 100, "outputTokens": 50, "costUSD": 0}},
    }
    text = json.dumps(envelope).replace('"total_cost_usd": 0', f'"total_cost_usd": {usd}')
    return "echo '" + text.replace('"costUSD": 0', f'"costUSD": {usd}') + "'"


@kind
def one_call_costs_most(draft: Draft) -> Case:
    name, other = draft.id(), draft.id()
    steps = [bash(name, spent("0.9"), parseJson=True), bash(other, spent("0.1"), parseJson=True)]
    return asked(draft, "expensive", name, *steps, before=[Before(2)])


@kind
def cost_grows(draft: Draft) -> Case:
    name = draft.id()
    steps = draft.around(bash(name, spent("0.1"), parseJson=True))
    new = [bash(name, spent("0.4"), parseJson=True) if one["id"] == name else one for one in steps]
    before = [Before(8, {draft.flow: draft.define(*steps)}), Before(6)]
    return asked(draft, "cost-grows", name, *new, exact=True, before=before)


@kind
def branch_is_never_taken(draft: Draft) -> Case:
    which, dead = draft.id(), draft.id()
    made = condition(which, "1 === 2", [transform(dead, "1")], [transform(draft.id(), "2")])
    return asked(draft, "dead-step", dead, made, path=draft.path(which, dead), before=[Before(10)])


@kind
def edit_made_a_step_slower(draft: Draft) -> Case:
    """Two runs: before the edit, and after it."""
    name = draft.id()
    steps = draft.around(code(name, wait(40)))
    new = [code(name, wait(500)) if one["id"] == name else one for one in steps]
    before = [Before(1, {draft.flow: draft.define(*steps)})]
    return asked(draft, "slower", name, *new, exact=True, ask="diff", before=before, tail="/code/source")


@kind
def edit_made_an_output_larger(draft: Draft) -> Case:
    name = draft.id()
    steps = draft.around(code(name, "return 'x';"))
    new = [code(name, "return 'x'.repeat(50000);") if one["id"] == name else one for one in steps]
    before = [Before(1, {draft.flow: draft.define(*steps)})]
    return asked(draft, "larger", name, *new, exact=True, ask="diff", before=before, tail="/code/source")


@kind
def edit_took_the_concurrency_away(draft: Draft) -> Case:
    each = draft.id()
    body = code(draft.id(), wait(60, "$.loop.item"))
    declared = {"rows": {"type": "array", "required": False, "default": list(range(10)), "description": ""}}
    steps = draft.around(loop(each, "$.input.rows", body, maxConcurrency=5))
    new = [loop(each, "$.input.rows", body) if one["id"] == each else one for one in steps]
    before = [Before(1, {draft.flow: draft.define(*steps, inputs=declared)})]
    tail = "/loop/maxConcurrency"
    return asked(
        draft, "slower", each, *new, exact=True, ask="diff", before=before, tail=tail, declared=declared
    )
