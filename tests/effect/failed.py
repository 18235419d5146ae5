"""Runs that fail, time out, are killed or hang: one kind a function."""

from __future__ import annotations

from tests.effect.cases import (
    Before,
    Case,
    Draft,
    Expected,
    Place,
    bash,
    call,
    code,
    condition,
    kind,
    loop,
    parallel,
    step,
    transform,
    wait,
)

GET = """const answer = await fetch($.env.BASE + '{path}');
if (!answer.ok) throw new Error(`HTTP ${{answer.status}} ${{answer.statusText}}`);
return await answer.json();"""


def get(path: str) -> str:
    """JavaScript that asks the loopback server, as a step that calls an API does."""
    return GET.format(path=path)


@kind
def code_throws(draft: Draft) -> Case:
    """At a line of its source."""
    name = draft.id()
    source = (
        "const rows = [1, 2, 3, 4];\n\nif (rows.length > 3) throw new Error('too many rows');\nreturn rows;"
    )
    at = Place(draft.flow, name)
    edit = Place(draft.flow, name, "/code/source", line=3)
    expected = Expected(draft.path(name), "fix-code", at, edit, "SCRIPT", ("too many rows",))
    return draft.failed(expected, code(name, source), host=True)


@kind
def code_names_a_variable_that_is_not_there(draft: Draft) -> Case:
    name = draft.id()
    source = "const total = 3;\nreturn totl * 2;"
    expected = draft.expect(name, "fix-code", "/code/source", "SCRIPT", "totl is not defined", line=2)
    return draft.failed(expected, code(name, source), host=True)


@kind
def code_module_throws(draft: Draft) -> Case:
    """In a file of its own beside the flow."""
    name = draft.id()
    module = f".one/flows/{draft.flow}/lib/work.mjs"
    text = "const rows = [];\n\nif (rows.length === 0) throw new Error('no rows to work on');\n"
    expected = Expected(
        draft.path(name),
        "fix-code",
        Place(draft.flow, name),
        Place(draft.flow, None, file=module),
        "SCRIPT",
        ("no rows to work on",),
    )
    made = step(name, "code", "code", {"module": "lib/work.mjs"})
    return draft.failed(expected, made, files={module: text})


@kind
def output_field_was_renamed(draft: Draft) -> Case:
    """An earlier step calls a field otherwise than the one that reads it."""
    made, reads = draft.id(), draft.id()
    first = code(made, "return { results: [1, 2], total: 2 };")
    source = f"const rows = $.steps.{made}.output.items;\nreturn rows.map((one) => one + 1);"
    edit = Place(draft.flow, reads, "/code/source", line=1)
    says = ("reading 'map'", f"$.steps.{made}.output.items", "results")
    expected = Expected(draft.path(reads), "fix-reference", Place(draft.flow, reads), edit, "SCRIPT", says)
    return draft.failed(expected, first, code(reads, source), host=True)


@kind
def output_field_is_a_level_deeper(draft: Draft) -> Case:
    made, reads = draft.id(), draft.id()
    first = code(made, "return { data: { user: { name: 'Ada' } } };")
    expression = f"$.steps.{made}.output.user.name.toUpperCase()"
    edit = Place(draft.flow, reads, "/transform/expression")
    says = (f"$.steps.{made}.output.user", "data")
    expected = Expected(draft.path(reads), "fix-reference", Place(draft.flow, reads), edit, "SCRIPT", says)
    return draft.failed(expected, first, transform(reads, expression), host=True)


@kind
def step_was_renamed(draft: Draft) -> Case:
    """Its old id is still read, in a way that the host does not check."""
    made, reads, old = draft.id(), draft.id(), draft.id()
    source = f'const from = $.steps["{old}"];\nreturn from.output.length;'
    edit = Place(draft.flow, reads, "/code/source", line=1)
    says = ("reading 'output'", old)
    expected = Expected(draft.path(reads), "fix-reference", Place(draft.flow, reads), edit, "SCRIPT", says)
    return draft.failed(expected, code(made, "return 'text';"), code(reads, source), host=True)


@kind
def input_is_missing(draft: Draft) -> Case:
    name = draft.id()
    expected = Expected(
        draft.flow,
        "give-input",
        None,
        Place(draft.flow, None, "/inputs/customer"),
        "INPUT",
        ("customer",),
    )
    declared = {"customer": {"type": "string", "required": True, "description": "whose"}}
    return draft.failed(expected, transform(name, "$.input.customer"), declared=declared, host=True)


@kind
def input_is_of_the_wrong_type(draft: Draft) -> Case:
    name = draft.id()
    expected = Expected(
        draft.flow, "give-input", None, Place(draft.flow, None, "/inputs/limit"), "INPUT", ("limit",)
    )
    declared = {"limit": {"type": "number", "required": True, "description": "how many"}}
    made = transform(name, "$.input.limit * 2")
    return draft.failed(expected, made, declared=declared, inputs={"limit": "many"}, host=True)


@kind
def command_exits_with_3(draft: Draft) -> Case:
    name = draft.id()
    expected = draft.expect(name, "fix-command", "/bash/command", "EXIT_3", "no rows in the report")
    return draft.failed(expected, bash(name, "echo 'no rows in the report' >&2; exit 3"), host=True)


@kind
def command_is_not_found(draft: Draft) -> Case:
    name = draft.id()
    expected = draft.expect(name, "install-command", "/bash/command", "EXIT_127", "jqq")
    return draft.failed(expected, bash(name, "printf '{}' | jqq .rows"), host=True)


@kind
def script_may_not_be_executed(draft: Draft) -> Case:
    name = draft.id()
    expected = draft.expect(name, "fix-command", "/bash/command", "EXIT_126", "ermission denied")
    return draft.failed(expected, bash(name, "./report.sh"), files={"report.sh": "#!/bin/sh\n"})


@kind
def command_takes_too_long(draft: Draft) -> Case:
    """For the command's own limit."""
    name = draft.id()
    expected = Expected(
        draft.path(name),
        "set-timeout",
        Place(draft.flow, name),
        Place(draft.flow, name, "/bash/timeout"),
        "TIMEOUT",
    )
    return draft.failed(expected, bash(name, "sleep 5", timeout=200))


@kind
def command_prints_no_json(draft: Draft) -> Case:
    name = draft.id()
    expected = Expected(
        draft.path(name),
        "fix-output",
        Place(draft.flow, name),
        Place(draft.flow, name, "/bash/command"),
        "PARSE",
    )
    return draft.failed(expected, bash(name, "echo 'warning: slow'; echo '{}'", parseJson=True), host=True)


@kind
def code_parses_what_a_command_printed(draft: Draft) -> Case:
    """The step that throws is right: the one that it reads printed something else."""
    prints, reads = draft.id(), draft.id()
    source = f"const text = $.steps.{prints}.output;\nreturn JSON.parse(text).rows;"
    expected = Expected(
        draft.path(reads),
        "fix-output",
        Place(draft.flow, reads),
        Place(draft.flow, prints, "/bash/command"),
        "PARSE",
    )
    command = "echo 'warning: slow'; echo '{\"rows\": 1}'"
    return draft.failed(expected, bash(prints, command), code(reads, source), host=True)


def answered(draft: Draft, path: str, klass: str, kind: str, tail: str, **more: object) -> Case:
    """A call of an API that gets an error."""
    name = draft.id()
    retry = more.pop("onError", None)
    made = code(name, get(path), **({"onError": retry} if retry else {}))
    expected = Expected(draft.path(name), kind, Place(draft.flow, name), Place(draft.flow, name, tail), klass)
    return draft.failed(expected, made, **more)


@kind
def http_401(draft: Draft) -> Case:
    return answered(draft, "/401", "HTTP_401", "fix-credentials", "/code/source", host=True)


@kind
def http_403(draft: Draft) -> Case:
    return answered(draft, "/403", "HTTP_403", "fix-credentials", "/code/source")


@kind
def http_404(draft: Draft) -> Case:
    return answered(draft, "/404", "HTTP_404", "fix-request", "/code/source", host=True)


@kind
def http_422(draft: Draft) -> Case:
    return answered(draft, "/422", "HTTP_422", "fix-request", "/code/source")


@kind
def http_429_without_a_retry(draft: Draft) -> Case:
    return answered(draft, "/429", "HTTP_429", "add-retry", "/onError", host=True)


@kind
def http_500_without_a_retry(draft: Draft) -> Case:
    return answered(draft, "/500", "HTTP_500", "add-retry", "/onError")


@kind
def http_503_and_retries_do_not_help(draft: Draft) -> Case:
    retry = {"strategy": "retry", "retries": 2, "retryDelayMs": 20}
    return answered(draft, "/503", "HTTP_503", "slow-retry", "/onError", onError=retry, host=True)


@kind
def http_400_is_retried(draft: Draft) -> Case:
    """Which can never help."""
    retry = {"strategy": "retry", "retries": 3, "retryDelayMs": 20}
    return answered(draft, "/400", "HTTP_400", "fix-request", "/code/source", onError=retry)


@kind
def nobody_listens(draft: Draft) -> Case:
    name = draft.id()
    expected = Expected(
        draft.path(name),
        "add-retry",
        Place(draft.flow, name),
        Place(draft.flow, name, "/onError"),
        "NETWORK",
    )
    return draft.failed(expected, code(name, "return await fetch('http://127.0.0.1:9/rows');"), host=True)


@kind
def service_does_not_answer(draft: Draft) -> Case:
    """Within the time that the code allows."""
    name = draft.id()
    source = "const signal = AbortSignal.timeout(150);\nreturn await fetch($.env.BASE + '/slow', { signal });"
    expected = Expected(
        draft.path(name),
        "add-retry",
        Place(draft.flow, name),
        Place(draft.flow, name, "/onError"),
        "TIMEOUT",
    )
    return draft.failed(expected, code(name, source))


@kind
def step_takes_longer_than_it_may(draft: Draft) -> Case:
    name = draft.id()
    expected = Expected(
        draft.path(name),
        "set-timeout",
        Place(draft.flow, name),
        Place(draft.flow, name, "/timeoutMs"),
        "TIMEOUT",
    )
    return draft.failed(expected, code(name, wait(900), timeoutMs=150), host=True)


@kind
def loop_over_an_object(draft: Draft) -> Case:
    """The list is one level deeper."""
    made, each = draft.id(), draft.id()
    first = code(made, "return { items: [1, 2, 3] };")
    body = transform(draft.id(), "$.loop.item * 2")
    expected = draft.expect(each, "fix-reference", "/loop/over", "FLOW", "items")
    return draft.failed(expected, first, loop(each, f"$.steps.{made}.output", body), host=True)


@kind
def loop_over_nothing(draft: Draft) -> Case:
    """A field that the earlier step does not give."""
    made, each = draft.id(), draft.id()
    first = code(made, "return { records: [1, 2, 3] };")
    body = transform(draft.id(), "$.loop.item * 2")
    expected = draft.expect(each, "fix-reference", "/loop/over", "FLOW", "records")
    return draft.failed(expected, first, loop(each, f"$.steps.{made}.output.items", body))


@kind
def condition_takes_the_wrong_branch(draft: Draft) -> Case:
    """Silently, since text is compared with a number; a later step reads what did not run."""
    made, which, inside, reads = draft.id(), draft.id(), draft.id(), draft.id()
    steps = [
        code(made, "return { count: '3' };"),
        condition(
            which,
            f"$.steps.{made}.output.count === 3",
            [code(inside, "return { list: [1] };")],
            [transform(draft.id(), "0")],
        ),
        code(reads, f"const done = $.steps.{inside}.output;\nreturn done.list.length;"),
    ]
    expected = Expected(
        draft.path(reads),
        "fix-condition",
        Place(draft.flow, reads),
        Place(draft.flow, which, "/condition/expression"),
        "SCRIPT",
        (inside,),
    )
    return draft.failed(expected, *steps, host=True)


@kind
def result_of_a_skipped_step_is_read(draft: Draft) -> Case:
    skips, reads = draft.id(), draft.id()
    declared = {"deep": {"type": "boolean", "required": False, "default": False, "description": ""}}
    steps = [
        code(skips, "return { score: 1 };", **{"if": "$.input.deep"}),
        code(reads, f"const given = $.steps.{skips}.output;\nreturn given.score + 1;"),
    ]
    expected = Expected(
        draft.path(reads),
        "fix-condition",
        Place(draft.flow, reads),
        Place(draft.flow, skips, "/if"),
        "SCRIPT",
        (skips,),
    )
    return draft.failed(expected, *steps, declared=declared, host=True)


@kind
def earlier_failure_was_carried_on(draft: Draft) -> Case:
    """`continue` hides the step that failed first."""
    asks, reads = draft.id(), draft.id()
    steps = [
        code(asks, get("/404"), onError={"strategy": "continue"}),
        code(reads, f"const given = $.steps.{asks}.output;\nreturn given.rows.length;"),
    ]
    expected = Expected(
        draft.path(reads),
        "fix-earlier-step",
        Place(draft.flow, reads),
        Place(draft.flow, asks),
        "SCRIPT",
        (asks, "HTTP 404"),
    )
    return draft.failed(expected, *steps, host=True)


@kind
def steps_are_in_the_wrong_order(draft: Draft) -> Case:
    reads, made = draft.id(), draft.id()
    steps = [
        code(reads, f'const rows = $.steps["{made}"];\nreturn rows.output.length;'),
        code(made, "return [1, 2];"),
    ]
    expected = Expected(
        draft.path(reads),
        "move-step",
        Place(draft.flow, reads),
        Place(draft.flow, made),
        "SCRIPT",
        (made,),
    )
    return draft.failed(expected, *steps, host=True)


@kind
def sub_flow_fails_deep_inside(draft: Draft) -> Case:
    outer, middle, leaf = draft.id(), draft.id(), draft.id()
    low, lower = f"{draft.flow}-a", f"{draft.flow}-b"
    source = "const price = null;\nreturn price.amount;"
    others = {
        low: draft.define(*draft.around(call(middle, lower)), key=low),
        lower: draft.define(*draft.around(code(leaf, source)), key=lower),
    }
    expected = Expected(
        draft.path(outer, middle, leaf),
        "fix-code",
        Place(lower, leaf),
        Place(lower, leaf, "/code/source", line=2),
        "SCRIPT",
        ("reading 'amount'",),
    )
    return draft.failed(expected, call(outer, low), others=others, host=True)


@kind
def sub_flow_is_not_given_an_input(draft: Draft) -> Case:
    outer, sub = draft.id(), f"{draft.flow}-a"
    declared = {"who": {"type": "string", "required": True, "description": ""}}
    others = {sub: draft.define(draft.good(), key=sub, inputs=declared)}
    expected = draft.expect(outer, "give-input", "/flow/inputs", "INPUT", "who")
    return draft.failed(expected, call(outer, sub), others=others, host=True)


@kind
def sub_flow_is_missing(draft: Draft) -> Case:
    outer = draft.id()
    expected = draft.expect(outer, "fix-flow-key", "/flow/key", "FLOW", "no-such-flow")
    return draft.failed(expected, call(outer, "no-such-flow"))


@kind
def flow_calls_itself(draft: Draft) -> Case:
    outer, inner, sub = draft.id(), draft.id(), f"{draft.flow}-a"
    others = {sub: draft.define(call(inner, sub), key=sub)}
    expected = Expected(
        draft.path(outer, inner),
        "fix-flow-key",
        Place(sub, inner),
        Place(sub, inner, "/flow/key"),
        "FLOW",
        ("ircular",),
    )
    return draft.failed(expected, call(outer, sub), others=others)


@kind
def branch_of_a_block_fails(draft: Draft) -> Case:
    block, bad = draft.id(), draft.id()
    branches = [
        code(draft.id(), wait(60)),
        code(bad, "const a = 1;\nreturn a.b.c;"),
        code(draft.id(), wait(30)),
    ]
    expected = Expected(
        draft.path(block, bad),
        "fix-code",
        Place(draft.flow, bad),
        Place(draft.flow, bad, "/code/source", line=2),
        "SCRIPT",
        ("reading 'c'",),
    )
    return draft.failed(expected, parallel(block, *branches), host=True)


@kind
def one_iteration_fails(draft: Draft) -> Case:
    each, bad = draft.id(), draft.id()
    body = code(
        bad, "const row = $.loop.item;\nif (row === 3) throw new Error('row 3 has no date');\nreturn row;"
    )
    declared = {"rows": {"type": "array", "required": False, "default": [1, 2, 3, 4], "description": ""}}
    expected = Expected(
        f"{draft.flow} > {each}[2] > {bad}",
        "fix-code",
        Place(draft.flow, bad),
        Place(draft.flow, bad, "/code/source", line=2),
        "SCRIPT",
        ("row 3 has no date",),
    )
    return draft.failed(expected, loop(each, "$.input.rows", body), declared=declared, host=True)


@kind
def nested_blocks_fail(draft: Draft) -> Case:
    """A condition in a loop, in its else branch."""
    each, which, bad = draft.id(), draft.id(), draft.id()
    body = condition(
        which, "$.loop.item < 2", [transform(draft.id(), "1")], [bash(bad, "echo 'bad row' >&2; exit 2")]
    )
    declared = {"rows": {"type": "array", "required": False, "default": [1, 2, 3], "description": ""}}
    expected = Expected(
        f"{draft.flow} > {each}[1] > {which} > {bad}",
        "fix-command",
        Place(draft.flow, bad),
        Place(draft.flow, bad, "/bash/command"),
        "EXIT_2",
        ("bad row",),
    )
    return draft.failed(expected, loop(each, "$.input.rows", body), declared=declared, host=True)


@kind
def variable_of_the_environment_is_missing(draft: Draft) -> Case:
    name = draft.id()
    source = "const key = $.env.CRM_API_TOKEN;\nreturn { auth: key.trim() };"
    expected = draft.expect(name, "set-variable", "/code/source", "SCRIPT", "CRM_API_TOKEN", line=1)
    return draft.failed(expected, code(name, source), host=True)


@kind
def variable_of_a_command_is_missing(draft: Draft) -> Case:
    name = draft.id()
    expected = draft.expect(name, "set-variable", "/bash/command", "EXIT", "REPORT_BUCKET")
    command = ': "${REPORT_BUCKET:?must be set}"; echo done'
    return draft.failed(expected, bash(name, command))


@kind
def file_is_missing(draft: Draft) -> Case:
    name = draft.id()
    expected = draft.expect(name, "fix-path", "/fileRead/path", "FILE", "rows.csv")
    made = step(name, "file-read", "fileRead", {"path": "data/rows.csv"})
    return draft.failed(expected, made, host=True)


@kind
def transform_is_no_javascript(draft: Draft) -> Case:
    """As far as can be told before it runs, it is."""
    name = draft.id()
    expected = draft.expect(name, "fix-code", "/transform/expression", "SCRIPT", "sum is not a function")
    return draft.failed(expected, transform(name, "[1, 2, 3].sum()"), host=True)


@kind
def result_cannot_be_saved(draft: Draft) -> Case:
    name = draft.id()
    expected = draft.expect(name, "fix-code", "/code/source", "SCRIPT", "BigInt")
    return draft.failed(expected, code(name, "return { id: 12n };"), host=True)


@kind
def selector_of_a_command_gives_nothing(draft: Draft) -> Case:
    """A misspelt field is an empty word in the command."""
    made, runs = draft.id(), draft.id()
    first = code(made, "return { folder: 'reports' };")
    command = f"test -n '{{{{$.steps.{made}.output.foldr}}}}' || {{ echo 'no folder' >&2; exit 4; }}"
    expected = draft.expect(runs, "fix-reference", "/bash/command", "EXIT_4", "foldr", "folder")
    return draft.failed(expected, first, bash(runs, command), host=True)


@kind
def new_version_lowered_a_timeout(draft: Draft) -> Case:
    name = draft.id()
    steps = draft.around(code(name, wait(400), timeoutMs=5000))
    old = {draft.flow: draft.define(*steps)}
    new = [{**one, "timeoutMs": 200} if one["id"] == name else one for one in steps]
    expected = draft.expect(name, "set-timeout", "/timeoutMs", "TIMEOUT", "5000")
    return draft.failed(expected, *new, exact=True, before=[Before(3, old)])


@kind
def new_version_broke_a_command(draft: Draft) -> Case:
    name = draft.id()
    steps = draft.around(bash(name, "echo 1"))
    old = {draft.flow: draft.define(*steps)}
    new = [bash(name, "echo 1 | grep -q 2") if one["id"] == name else one for one in steps]
    expected = draft.expect(name, "fix-command", "/bash/command", "EXIT", '"changed"')
    return draft.failed(expected, *new, exact=True, before=[Before(3, old)])


@kind
def new_version_changed_an_earlier_step(draft: Draft) -> Case:
    """The step that fails is as it was: the one that it reads gives another field now."""
    made, reads = draft.id(), draft.id()
    last = code(reads, f"return $.steps.{made}.output.list.length;")
    old = {draft.flow: draft.define(code(made, "return { list: [1] };"), last)}
    expected = draft.expect(
        reads, "fix-reference", "/code/source", "SCRIPT", ".output.list", "rows", '"changed"', made, line=1
    )
    new = [code(made, "return { rows: [1] };"), last]
    return draft.failed(expected, *new, exact=True, before=[Before(2, old)])


@kind
def run_is_killed(draft: Draft) -> Case:
    """Nothing of it hangs: its process was ended."""
    name = draft.id()
    expected = Expected(
        draft.path(name), "set-timeout", None, Place(draft.flow, name, "/timeoutMs"), status="incomplete"
    )
    return draft.failed(expected, code(name, wait(30_000)), kill_after_ms=300)


@kind
def step_hangs(draft: Draft) -> Case:
    """A step of which earlier runs show that it is quick otherwise."""
    name = draft.id()
    command = 'test -z "$HANG" || sleep 30'
    expected = Expected(
        draft.path(name),
        "set-timeout",
        None,
        Place(draft.flow, name, "/timeoutMs"),
        status="incomplete",
    )
    return draft.failed(
        expected,
        bash(name, command, timeout=60_000),
        env={"HANG": "1"},
        before=[Before(5)],
        kill_after_ms=300,
    )


@kind
def code_ends_the_process(draft: Draft) -> Case:
    name = draft.id()
    expected = Expected(
        draft.path(name),
        "fix-code",
        None,
        Place(draft.flow, name, "/code/source", line=1),
        status="incomplete",
    )
    return draft.failed(expected, code(name, "process.exit(3);"))


@kind
def command_prints_too_much(draft: Draft) -> Case:
    name = draft.id()
    expected = Expected(
        draft.path(name),
        "shrink-output",
        Place(draft.flow, name),
        Place(draft.flow, name, "/bash/command"),
        "SIZE",
    )
    return draft.failed(expected, bash(name, "head -c 30000000 /dev/zero | tr '\\0' x"))


@kind
def sub_flow_gives_another_field(draft: Draft) -> Case:
    """Its last step was changed, and its caller reads what it gave before."""
    outer, last, reads, sub = draft.id(), draft.id(), draft.id(), f"{draft.flow}-a"
    others = {sub: draft.define(draft.good(), code(last, "return { summary: 'all well' };"), key=sub)}
    steps = [call(outer, sub), transform(reads, f"$.steps.{outer}.output.text.trim()")]
    expected = draft.expect(
        reads, "fix-reference", "/transform/expression", "SCRIPT", f"$.steps.{outer}.output.text", "summary"
    )
    return draft.failed(expected, *steps, others=others, host=True)


@kind
def address_is_made_of_a_field_that_is_missing(draft: Draft) -> Case:
    """The service is asked for `/undefined`, and says 404."""
    made, asks = draft.id(), draft.id()
    source = (
        f"const id = $.steps.{made}.output.userId;\n"
        "const answer = await fetch(`${$.env.BASE}/${id === undefined ? 404 : 200}?id=${id}`);\n"
        "if (!answer.ok) throw new Error(`HTTP ${answer.status} for /users/${id}`);\nreturn 1;"
    )
    expected = draft.expect(asks, "fix-reference", "/code/source", "HTTP_404", "user_id", line=1)
    return draft.failed(expected, code(made, "return { user_id: 7 };"), code(asks, source))


@kind
def sub_flow_reads_an_input_that_its_caller_calls_otherwise(draft: Draft) -> Case:
    """Not required, so nothing but its use fails."""
    outer, leaf, sub = draft.id(), draft.id(), f"{draft.flow}-a"
    declared = {"customer": {"type": "string", "required": False, "description": ""}}
    others = {
        sub: draft.define(
            code(leaf, "const who = $.input.customer;\nreturn who.trim();"), key=sub, inputs=declared
        )
    }
    expected = Expected(
        draft.path(outer, leaf),
        "give-input",
        Place(sub, leaf),
        Place(draft.flow, outer, "/flow/inputs"),
        "SCRIPT",
        ("customer",),
    )
    return draft.failed(expected, call(outer, sub, {"client": "Ada"}), others=others)


@kind
def optional_input_is_not_given(draft: Draft) -> Case:
    name = draft.id()
    declared = {"folder": {"type": "string", "required": False, "description": ""}}
    expected = Expected(
        draft.path(name),
        "give-input",
        Place(draft.flow, name),
        Place(draft.flow, None, "/inputs/folder"),
        "SCRIPT",
        ("folder",),
    )
    made = code(name, "const at = $.input.folder;\nreturn at.split('/');")
    return draft.failed(expected, made, declared=declared, host=True)


@kind
def iteration_reads_a_field_that_items_do_not_have(draft: Draft) -> Case:
    made, each, reads = draft.id(), draft.id(), draft.id()
    first = code(made, "return [{ mail: 'a@b.c' }, { mail: 'd@e.f' }];")
    body = transform(reads, "$.loop.item.email.toLowerCase()")
    expected = Expected(
        f"{draft.flow} > {each}[0] > {reads}",
        "fix-reference",
        Place(draft.flow, reads),
        Place(draft.flow, reads, "/transform/expression"),
        "SCRIPT",
        ("$.loop.item.email", "mail"),
    )
    return draft.failed(expected, first, loop(each, f"$.steps.{made}.output", body), host=True)
