"""What each step type does, and its error messages: those of One CLI 1.52.1."""

from __future__ import annotations

import json
from math import inf

import pytest
from flows import CONTINUE, XS, Project, bash, code, flow, loop, parallel, step, subflow, transform, wait

from one_trace.runner.infinity import AS_READ, dumps


def tolerant(*steps: dict) -> list[dict]:
    return [one | {"onError": CONTINUE} for one in steps]


def test_live_values_pass_from_step_to_step(project: Project) -> None:
    ran = project.run(
        transform("date", "new Date(0)"),
        transform("map", "new Map([[1, 'one']])"),
        transform("fn", "(x) => x + 1"),
        transform("none", "undefined"),
        transform("all", "[$.steps.map.output.get(1), $.steps.date.output.getTime(), $.steps.fn.output(4)]"),
        transform("text", "'\\ud800 \\u2028 ü'"),
    )
    assert ran.steps["all"]["output"] == ["one", 0, 5]
    assert ran.steps["date"]["output"] == "1970-01-01T00:00:00.000Z"
    assert "output" not in ran.steps["none"]
    assert ran.steps["text"]["output"] == "\ud800 \u2028 ü"
    assert project.state()["context"]["steps"]["text"]["output"] == "\ud800 \u2028 ü"


def test_an_error_in_code_names_the_line(project: Project) -> None:
    ran = project.run(
        *tolerant(
            code("multi", "const x = 1;\n  foo.bar();\nreturn x"),
            code("text", "throw 'str'"),
            code("bare", "const e = new Error('m'); e.stack = ''; throw e"),
            code("coded", "const e = new Error('m'); e.errorCode = 'E_X'; throw e"),
            code("a b", "throw new Error('spaced')"),
            code("a(b", "throw new Error('odd')"),
            code("blocked", "await require('fs')"),
        )
    )
    coded = "const e = new Error('m'); e.errorCode = 'E_X'; throw e"
    assert ran.errors() == {
        "multi": 'Code step "multi" failed at line 2:3\n  foo.bar();\n  foo is not defined',
        "text": "str",
        "bare": 'Code step "bare" failed: m',
        "coded": f'Code step "coded" failed at line 1:11\n  {coded}\n  m',
        "a b": 'Code step "a b" failed: spaced',
        "a(b": "Code step \"a(b\" failed at line 1:7\n  throw new Error('odd')\n  odd",
        "blocked": "Code step \"blocked\" failed at line 1:7\n  await require('fs')\n  "
        'Module "fs" is blocked in code steps',
    }
    assert ran.steps["coded"]["errorCode"] == "E_X"


def test_undefined_is_false_in_conditions(project: Project) -> None:
    ran = project.run(
        transform("a", **{"if": "$.steps['none'].output.x"}),
        transform("b", unless="$.steps['none'].output.x"),
        step("condition", "c", {"expression": "null.x", "then": [transform("d")], "else": [transform("e")]}),
    )
    assert {key: one["status"] for key, one in ran.steps.items()} == {
        "a": "skipped",
        "b": "success",
        "c": "success",
        "e": "success",
    }
    assert ran.steps["c"]["output"]["conditionResult"] is False


def test_a_condition_that_cannot_be_parsed_ends_the_flow(project: Project) -> None:
    ran = project.run(transform("a", **{"if": "(("}, onError=CONTINUE))
    assert ran.code == 1
    assert ran.result["error"].startswith("Unexpected token")


def test_requires_fails_on_missing_values(project: Project) -> None:
    ran = project.run(
        transform("list", "[]"),
        transform("skipped", **{"if": "false"}),
        code("bad", "throw new Error('no')", onError=CONTINUE),
        *tolerant(
            transform("r1", requires=["$.steps.list.output"]),
            transform("r2", requires=["$.steps.skipped.output"]),
            transform("r3", requires=["$.steps.bad.output"]),
            transform("r4", requires=["$.input.q"]),
        ),
        inputs={"q": {"type": "string", "required": False}},
    )
    start = 'Step "{}" requires {} but it resolved to {}'
    errors = ran.errors()
    assert errors["r1"] == start.format("r1", "$.steps.list.output", "an empty array")
    assert errors["r2"] == start.format("r2", "$.steps.skipped.output", "undefined") + (
        ' (upstream step "skipped" was skipped)'
    )
    assert '(upstream step "bad" failed: Code step "bad" failed' in errors["r3"]
    assert errors["r4"] == start.format("r4", "$.input.q", "undefined")


def test_selectors_and_pipes(project: Project) -> None:
    value = "({list: [{b: 1}, {b: 2}, null], 'x y': 3, word: 'it\\'s <b>', url: 'a b/ü', none: null})"
    content = {
        "index": "$.steps.o.output.list[1].b",
        "every": "$.steps.o.output.list[*].b",
        "spaced": "$.steps.o.output.x y",
        "deep": ["$.steps.o.output.none", 1, None],
        "text": "{{$.steps.o.output.list}} {{ $.steps.o.output.none }}|{{q $.steps.o.output.word}}",
        "pipes": "{{$.steps.o.output.list | json}} {{$.steps.o.output.word | shell}} "
        "{{$.steps.o.output.url | url}} {{$.steps.o.output.word|html}} {{$.steps.o.output.word | md}}",
    }
    ran = project.run(
        transform("o", value),
        step("file-write", "w", {"path": "out/o.json", "content": content}),
        step("file-read", "r", {"path": "out/o.json", "parseJson": True}),
        step("file-write", "bad", {"path": "x", "content": "{{$.steps.o | nope}}"}, onError=CONTINUE),
    )
    assert ran.steps["r"]["output"] == {
        "index": 2,
        "every": [1, 2, None],
        "spaced": 3,
        "deep": [None, 1, None],
        "text": "[{\"b\":1},{\"b\":2},null] |'it'\\''s <b>'",
        "pipes": "[{\"b\":1},{\"b\":2},null] 'it'\\''s <b>' a%20b%2F%C3%BC it&#39;s &lt;b&gt; it's <b>",
    }
    assert ran.errors() == {"bad": 'Unknown Handlebars pipe: "nope". Supported: json, shell, url, md, html.'}
    assert "was stringified as JSON" in ran.stderr


def test_files_are_read_and_checked(project: Project) -> None:
    project.write("f.json", '```json\n{"a": 1, "b": ["q", 2], "e": 3}\n```')
    shape = {"a": "string", "b": {"type": "array", "minItems": 3, "items": "number"}, "c": {"required": True}}
    ran = project.run(
        step("file-read", "good", {"path": "f.json", "parseJson": True, "schema": {"a": "number"}}),
        *tolerant(
            step("file-read", "shape", {"path": "f.json", "parseJson": True, "schema": shape}),
            step("file-read", "none", {"path": "none.txt"}),
            step("file-read", "folder", {"path": "."}),
        ),
    )
    assert ran.steps["good"]["output"]["b"] == ["q", 2]
    assert ran.errors() == {
        "shape": 'Step "shape" output failed schema validation: field "a" expected string but got number; '
        'field "b" expected at least 3 items but got 2; field "b[0]" expected number but got string; '
        'field "c" is required but missing',
        "none": f"ENOENT: no such file or directory, open '{project.root}/none.txt'",
        "folder": "EISDIR: illegal operation on a directory, read",
    }
    assert ran.steps["shape"]["errorCode"] == "SCHEMA_VALIDATION"


def test_bash(project: Project, tmp_path) -> None:
    project.env["TMPDIR"] = str(tmp_path / "temporary")
    (tmp_path / "temporary").mkdir()
    env = {"X": "{{$.input.v}}", "Y": {"shell": "$.input.v"}, "J": {"json": "$.input.o"}, "N": None}
    envelope = {"type": "result", "result": 'Here you are:\n```json\n{"a": 1}\n```'}
    ran = project.run(
        step("bash", "env", {"command": 'echo "$X-$Y" $(cat $J)', "env": env}),
        step("bash", "json", {"command": "echo '{\"a\": 1}'", "parseJson": True}),
        step("bash", "llm", {"command": f"cat <<'X'\n{json.dumps(envelope)}\nX", "parseEnvelope": True}),
        bash("err", "echo oops >&2"),
        step("bash", "here", {"command": "pwd", "cwd": str(tmp_path)}),
        *tolerant(
            bash("code", "echo bad >&2; exit 4"),
            step("bash", "slow", {"command": "sleep 5", "timeout": 40}),
            step("bash", "nojson", {"command": "echo nope", "parseJson": True}),
            step("bash", "noenv", {"command": "echo hello", "parseEnvelope": True}),
        ),
        args=("--allow-bash",),
        inputs={"v": {"type": "string", "default": "a b'c"}, "o": {"type": "object", "default": {"k": [1]}}},
    )
    outputs = {key: one.get("output") for key, one in ran.steps.items()}
    assert outputs["env"] == "a b'c-a b'c {\"k\":[1]}"
    assert outputs["json"] == outputs["llm"] == {"a": 1}
    assert ran.steps["err"]["response"] == {"stdout": "", "stderr": "oops", "exitCode": 0}
    assert outputs["here"] == str(tmp_path)
    errors = ran.errors()
    assert errors["code"] == "Command failed: echo bad >&2; exit 4\nbad\n"
    assert errors["slow"] == "Command failed: sleep 5\n"
    assert errors["nojson"] == "Unexpected token 'o', \"nope\" is not valid JSON"
    assert errors["noenv"].startswith('Bash step "noenv" parseEnvelope: claude output was not valid JSON')
    assert list((tmp_path / "temporary").iterdir()) == []


def test_modules_run_in_their_own_process(project: Project) -> None:
    read = "const $ = JSON.parse(await new Response(process.stdin).text());"
    project.write(".one/flows/main/lib/a.mjs", f"{read} console.log(JSON.stringify(Object.keys($)))")
    project.write(".one/flows/main/lib/b.mjs", "console.error('bad'); process.exitCode = 3")
    project.write(".one/flows/main/lib/c.mjs", "console.log('nope')")
    ran = project.run(*tolerant(*(step("code", name, {"module": f"lib/{name}.mjs"}) for name in "abc")))
    assert ran.steps["a"]["output"] == ["input", "steps", "loop"]
    assert ran.errors()["b"] == 'Code module "lib/b.mjs" exited with code 3: bad'
    assert ran.errors()["c"].startswith('Code module "lib/c.mjs" did not print valid JSON to stdout')


def test_loops_have_variables_and_bounds(project: Project) -> None:
    body = [transform("a", "({...$.loop})")]
    config = {"over": "$.input.xs", "as": "x", "indexAs": "k", "steps": body, "maxIterations": 2}
    ran = project.run(
        step("loop", "l", config),
        loop("bad", transform("b"), over="$.input.word", onError=CONTINUE),
        transform("after", "({...$.loop})"),
        inputs=XS | {"word": {"type": "string", "default": "w"}},
    )
    assert ran.steps["l"]["output"] == [1, 2]
    assert ran.steps["a"]["output"] == {"x": 2, "item": 2, "i": 1, "k": 1}
    assert ran.steps["after"]["output"] == {}
    assert ran.errors() == {"bad": 'Loop "over" must resolve to an array, got string'}


def test_concurrent_iterations_have_their_own_variables(project: Project) -> None:
    slow = code("a", "await new Promise((done) => setTimeout(done, 40 - 10 * $.loop.x)); return $.loop.x")
    ran = project.run(loop("l", slow, transform("b", "$.steps.a.output * 10"), at_once=2), inputs=XS)
    iterations = ran.steps["l"]["response"]["iterations"]
    assert [one["b"]["output"] for one in iterations] == [10, 20, 30]
    assert ran.steps_logged == [
        "+l",
        "+a",
        "+a",
        "-a",
        "+b",
        "-b",
        "-a",
        "+b",
        "-b",
        "+a",
        "-a",
        "+b",
        "-b",
        "-l",
    ]


def test_while_evaluates_its_condition_after_the_first_iteration(project: Project) -> None:
    turns = {"condition": "$.steps['w'].output.iteration < 2", "steps": [code("a", "return 5")]}
    ran = project.run(
        step("while", "w", turns),
        step("while", "once", {"condition": "false", "steps": [transform("b")]}),
        step("while", "capped", {"condition": "true", "steps": [transform("c")], "maxIterations": 4}),
    )
    assert ran.steps["w"]["output"] == {"lastResult": 5, "iteration": 3, "results": [5, 5, 5]}
    assert ran.steps["once"]["response"]["iterations"] == 1
    assert ran.steps["capped"]["response"]["iterations"] == 4


def test_direct_children_of_parallel_have_no_events(project: Project) -> None:
    inside = step("condition", "c", {"expression": "1", "then": [transform("d")]})
    ran = project.run(parallel("p", transform("a"), inside, parallel("q", transform("e"))))
    assert ran.steps_logged == ["+p", "+d", "-d", "-p"]
    assert set(ran.steps) == {"p", "a", "c", "d", "q", "e"}


def test_batches_run_one_after_another(project: Project) -> None:
    steps = [
        code(
            str(i),
            f"globalThis.said ??= []; said.push('+{i}');"
            f"await new Promise((done) => setTimeout(done, 150 + 50 * {i})); said.push('-{i}')",
        )
        for i in range(4)
    ]
    block = step("parallel", "p", {"steps": steps, "maxConcurrency": 2})
    ran = project.run(block, transform("said", "globalThis.said.join('')"))
    assert ran.steps["said"]["output"] == "+0+1-0-1+2+3-2-3"


def test_a_sub_flow_merges_its_last_output(project: Project) -> None:
    declared = {"v": {"type": "string"}}
    project.flows(
        flow("sub", transform("s1", "$.input.v"), transform("s2", "({s1: 9, b: 1})"), inputs=declared)
    )
    project.flows(flow("plain", transform("s3", "[7]")))
    ran = project.run(
        subflow("f", "sub", {"v": 5}), subflow("g", "plain"), transform("t", "$.steps.f.output.b")
    )
    output = ran.steps["f"]["output"]
    assert (output["s1"], output["b"], output["_steps"]["s1"]["output"]) == (9, 1, "5")
    assert ran.steps["g"]["output"]["_finalOutput"] == [7]
    warning = next(line for line in ran.lines if line["event"] == "flow:warning")
    assert "[s1] collide with sub-step ids" in warning["message"]
    assert "_steps" not in project.state()["context"]["steps"]["f"]["output"]


def test_a_broken_sub_flow_fails_when_it_runs(project: Project) -> None:
    project.flows(flow("unknown", {"id": "x", "name": "x", "type": "teleport"}))
    project.flows(flow("bare", {"id": "x", "name": "x", "type": "transform"}))
    project.flows(flow("hollow", step("loop", "x", {"over": "$.input.xs", "as": "x"}), inputs=XS))
    project.flows(flow("wants", inputs={"q": {"type": "string", "description": "what for"}}))
    project.flows(flow("shell", bash("x", "echo 1")))
    project.write(".one/flows/none/flow.json", "null")
    keys = ("unknown", "bare", "hollow", "wants", "shell", "none", "nowhere")
    ran = project.run(*tolerant(*(subflow(f"f-{key}", key) for key in keys)))
    assert ran.errors() == {
        "f-unknown": "Unknown step type: teleport",
        "f-bare": "Cannot read properties of undefined (reading 'expression')",
        "f-hollow": "steps is not iterable",
        "f-wants": 'Missing required input: "q" — what for',
        "f-shell": "Bash steps require --allow-bash flag for security",
        "f-none": "Cannot read properties of null (reading 'inputs')",
        "f-nowhere": f"Flow not found: {project.root}/.one/flows/nowhere/flow.json",
    }


def test_circular_flows_are_detected(project: Project) -> None:
    project.flows(flow("sub", subflow("back", "main")))
    ran = project.run(subflow("f", "sub"))
    assert ran.result["error"] == "Circular flow detected: sub → main → sub"


@pytest.mark.parametrize(
    ("given", "declared", "expected"),
    [
        ("5", {"type": "string"}, "5"),
        ('{"x":1}', {"type": "string"}, "[object Object]"),
        ("12345678901234567890", {"type": "string"}, "12345678901234567000"),
        ("0x10", {"type": "number"}, 16),
        ("abc", {"type": "number"}, 'Input "v" must be a number, got string ("abc")'),
        ("[]", {"type": "number"}, 'Input "v" must be a number, got array ([])'),
        ("1", {"type": "boolean"}, True),
        ("yes", {"type": "boolean"}, 'Input "v" must be a boolean, got string ("yes")'),
        ('"[1]"', {"type": "array"}, [1]),
        ("{}", {"type": "array"}, 'Input "v" must be an array, got object ({})'),
        ("null", {"type": "object"}, 'Missing required input: "v"'),
        ("z", {"type": "string", "enum": ["x", "1"]}, 'Input "v" must be one of ["x","1"], got "z"'),
    ],
)
def test_inputs_are_coerced(project: Project, given: str, declared: dict, expected: object) -> None:
    ran = project.run(transform("t", "$.input.v"), args=("-i", f"v={given}"), inputs={"v": declared})
    if ran.code == 0:
        assert ran.steps["t"]["output"] == expected
    else:
        assert ran.result["error"] == expected


def test_mock_replaces_external_steps(project: Project) -> None:
    action = {"platform": "p", "actionId": "x", "connection": {"platform": "p"}, "data": {"v": "$.input.v"}}
    steps = [step("action", "a", action), bash("b", "exit 1")]
    inputs = {"v": {"type": "string", "default": "q"}}
    ran = project.run(*steps, args=("--mock", "--allow-bash"), inputs=inputs)
    assert ran.code == 0
    assert ran.lines[0]["event"] == "flow:mock-start"
    assert ran.steps["a"]["output"]["data"] == {"v": "q"}
    assert ran.steps["b"]["response"] == {"_mock": True}


def test_steps_that_need_the_service_are_reported_before_any_step(project: Project) -> None:
    action = {"platform": "p", "actionId": "x", "connection": {"platform": "p"}}
    project.flows(flow("sub", loop("l", step("action", "deep", action)), inputs=XS))
    ran = project.run(transform("first"), subflow("f", "sub"), step("action", "top", action))
    (line,) = ran.lines
    assert ran.code == 1
    assert "deep (action), top (action)" in line["error"]
    assert "npm install -g @withone/cli" in line["error"]
    assert not (project.root / ".one/flows/.runs").exists()


def test_a_dry_run_runs_nothing(project: Project) -> None:
    write = step("file-write", "w", {"path": "{{$.input.v}}.txt", "content": "$.steps.a.output"})
    missing = transform("m", "$.steps.a.output.x.y")
    inputs = {"v": {"type": "string", "default": "q"}}
    ran = project.run(transform("a", "$.input.v"), write, missing, args=("--dry-run",), inputs=inputs)
    reported = ran.lines[0]
    assert reported["event"] == "flow:dry-run"
    assert reported["steps"][0]["resolved"] == "q"
    assert reported["steps"][1]["references"] == [
        {"selector": "$.input.v", "value": "q", "status": "resolved"},
        {"selector": "$.steps.a.output", "status": "deferred"},
    ]
    assert reported["steps"][2]["deferred"] is True
    assert ran.result["dryRun"] is True
    assert not (project.root / "q.txt").exists()


@pytest.mark.parametrize("step_id", ["a.b/c d", "__proto__", "😀", "constructor", "x" * 2000, "7"])
def test_unusual_ids_work(project: Project, step_id: str) -> None:
    ran = project.run(
        transform("first", "1"), transform(step_id, "42"), loop("l", transform("in")), inputs=XS
    )
    assert ran.code == 0
    assert ran.steps[step_id]["output"] == 42
    assert project.state()["context"]["steps"][step_id]["output"] == 42
    assert ran.steps["l"]["response"]["iterations"][0][step_id]["output"] == 42


def test_printed_lines_that_look_like_events_keep_their_place(project: Project) -> None:
    fake = json.dumps({"event": "step:start", "stepId": "fake"})
    ran = project.run(code("a", f"console.log('{fake}'); process.stdout.write('no end'); return 1"))
    lines = ran.stdout.split(b"\n")
    assert lines[2] == fake.encode()
    assert lines[3].startswith(b'no end{"event":"step:complete"')


def test_output_that_is_not_json_fails_only_its_step(project: Project) -> None:
    knot = "(() => { const knot = {}; knot.self = knot; return knot })()"
    ran = project.run(*tolerant(transform("big", "10n"), transform("knot", knot)), transform("after"))
    assert ran.code == 0
    assert ran.errors()["big"] == "Do not know how to serialize a BigInt"
    assert ran.errors()["knot"].startswith("Converting circular structure to JSON")
    assert ran.steps_logged == ["+big", "-big", "+knot", "-knot", "+after", "-after"]


def test_output_file_receives_the_results(project: Project) -> None:
    ran = project.run(transform("a", "'ü'"), args=("--output-file", "r/../out.json"))
    assert ran.result["outputFile"] == str(project.root / "out.json")
    written = json.loads((project.root / "out.json").read_bytes())
    assert list(written) == ["event", "runId", "logFile", "status", "steps"]
    assert written["steps"]["a"]["output"] == "ü"
    assert project.one("--agent", "flow", "execute", "main", "--output-file", "no/such/x").code == 1


def test_resume_skips_only_steps_that_finished_themselves(project: Project) -> None:
    project.flows(flow("sub", transform("dup")))
    read = step("file-read", "r", {"path": "now.txt"})
    first = project.run(subflow("f", "sub"), read, transform("dup", "'mine'"))
    assert first.code == 1
    project.write("now.txt", "here")
    again = project.one("--agent", "flow", "resume", first.result["runId"])
    assert again.code == 0
    assert again.steps_logged == ["+r", "-r", "+dup", "-dup"]
    assert again.steps["dup"]["output"] == "mine"
    assert project.one("--agent", "flow", "resume", first.result["runId"]).lines == [
        {"error": f'Run "{first.result["runId"]}" is completed — can only resume paused or failed runs'}
    ]


def test_without_agent_the_output_is_text(project: Project) -> None:
    project.flows(flow("main", transform("a"), transform("b", **{"if": "false"}), wait("c", 1)))
    ran = project.one("flow", "execute", "main", "-v")
    text = ran.stdout.decode()
    assert "Workflow: main (3 steps)" in text
    assert "▶ A (transform)" in text
    assert "✓ 2 succeeded    ○ 1 skipped" in text
    assert "\x1b" not in text
    assert "main" in project.one("flow", "list").stdout.decode()


def test_flows_are_listed(project: Project) -> None:
    project.flows(flow("b", bash("x", "true"), inputs={"q": {"type": "string"}}), flow("a"))
    project.write(".one/flows/g/c/flow.json", json.dumps(flow("c", transform("t"))))
    project.write(".one/flows/torn/flow.json", "{")
    (ran,) = project.one("--agent", "flow", "list").lines
    assert [(one["key"], one.get("group"), one["requiresBash"]) for one in ran["workflows"]] == [
        ("a", None, False),
        ("b", None, True),
        ("c", "g", False),
    ]
    assert ran["workflows"][1]["inputs"] == [
        {"name": "q", "type": "string", "required": True, "autoResolvable": False}
    ]


def test_a_number_may_be_infinite(project: Project) -> None:
    """JavaScript reads 1e999 as Infinity, and writes it as null."""
    loops = step("loop", "l", {"over": "$.steps.d.output", "as": "i", "maxConcurrency": inf})
    loops["loop"]["steps"] = [transform("t", "1")]
    block = step("parallel", "p", {"steps": [transform("u", "2")], "maxConcurrency": inf})
    block["timeoutMs"] = inf
    failing = transform(
        "r", "globalThis.tried = (globalThis.tried ?? 0) + 1, tried > 2 ? '\"Infinity' : nothing"
    )
    failing["onError"] = {"strategy": "retry", "retries": inf, "retryDelayMs": -inf}
    flow_file = flow("main", transform("d", "[1, 2, 3]"), loops, block, failing)
    project.write(".one/flows/main/flow.json", dumps(flow_file, AS_READ))
    ran = project.one("--agent", "flow", "execute", "main")
    assert (ran.code, ran.steps["r"]["output"], ran.steps["r"]["retries"]) == (0, '"Infinity', 2)
    retries = [line for line in ran.lines if line["event"] == "step:retry"]
    assert [line["maxRetries"] for line in retries] == [None, None]
    assert [line["maxRetries"] for line in project.log() if line["msg"] == "step:retry"] == [None, None]
