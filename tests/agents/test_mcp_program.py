"""`one trace mcp` as a child process: its streams, and that its answers are those of the commands."""

import json
import subprocess

import pytest

pytestmark = pytest.mark.program
LIMIT = 8_000


def call(id, tool, **arguments):
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}


def converse(machine, *messages, argv=("trace", "mcp")):
    """What the server answers to these messages, by their ids. It ends with its input."""
    lines = b"".join(json.dumps(message).encode() + b"\n" for message in messages)
    done = machine.one(*argv, input=lines)
    assert done.code == 0, done.err
    return {each["id"]: each for each in map(json.loads, done.out.splitlines())}


def text(answer):
    return answer["result"]["content"][0]["text"]


@pytest.fixture
def failed_run(machine):
    machine.player("97b-realistic-fails", exit=1)
    machine.one("--agent", "flow", "execute", "k", "--trace")
    machine.player("06-loop-seq")
    machine.one("--agent", "flow", "execute", "k", "--trace")
    return machine


def test_each_tool_answers_with_the_document_of_its_command(failed_run):
    step = failed_run.one("--agent", "trace", "show").document["steps"][0]["path"]
    runs = [run["runId"] for run in failed_run.one("--agent", "trace", "list").document["runs"]]
    calls = {
        ("runs",): ["list", "--limit", "20"],
        ("run",): ["show", "last"],
        ("step", ("step", step)): ["show", "--step", step],
        ("stats",): ["stats"],
        ("findings",): ["insights"],
        ("diff", ("a", runs[1]), ("b", runs[0])): ["diff", runs[1], runs[0]],
        ("cost",): ["cost"],
        ("schema", ("name", "stats")): ["schema", "stats"],
    }
    messages = [call(at, name, **dict(given)) for at, (name, *given) in enumerate(calls)]
    found = converse(failed_run, *messages)
    for at, argv in enumerate(calls.values()):
        assert text(found[at]) + "\n" == failed_run.one("--agent", "trace", *argv).out.decode()
        assert len(text(found[at])) < LIMIT
        assert found[at]["result"]["isError"] is False


HOSTILE = [
    "$(touch x)",
    "--with-output",
    "\x1b[31m",
    "\ud800",
    "a\x00b",
    "x" * 2_000,
    "../../etc/passwd",
    "@",
    "=&",
]


def test_hostile_arguments_are_errors_and_run_nothing(failed_run):
    messages = [call(f"{tool}-{name}-{at}", tool, **{name: value})
                for tool, name in (("run", "run"), ("stats", "flow"), ("runs", "since"), ("step", "step"),
                                   ("runs", "cursor"), ("schema", "name"))
                for at, value in enumerate(HOSTILE)]  # fmt: skip
    found = converse(failed_run, *messages)
    assert len(found) == len(messages)
    for answer in found.values():
        body = json.loads(text(answer))
        assert answer["result"]["isError"] is True
        assert body["error"]["code"] not in ("internal", "failed"), body
        assert len(text(answer)) < LIMIT
        assert "\x1b" not in text(answer)
    assert not list(failed_run.project.glob("x"))


def test_what_is_left_out_is_named_by_a_command_that_prints_it(failed_run):
    found = converse(failed_run, call(1, "runs", limit=1, since="3000d"))
    document = json.loads(text(found[1]))
    how = document["omitted"]["how"]
    assert how.startswith("one --agent trace list --since=3000d --limit=1 --")
    page = converse(failed_run, call(1, "runs", limit=1, cursor=document["omitted"]["cursor"]))
    assert json.loads(text(page[1]))["runs"][0]["runId"] != document["runs"][0]["runId"]


def test_trouble_with_settings_goes_to_stderr_alone(failed_run):
    failed_run.write(failed_run.user_file, "[traces]\nnosuch = 1\n")
    done = failed_run.one("trace", "mcp", input=json.dumps(call(1, "runs")).encode() + b"\n")
    (line,) = done.out.splitlines()
    assert json.loads(line)["id"] == 1
    assert b"nosuch" in done.err


def test_a_client_that_no_longer_reads_ends_the_server(failed_run):
    with subprocess.Popen(
        [failed_run.ours / "one-trace", "--agent", "trace", "mcp"],
        env=failed_run.env,
        cwd=failed_run.project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as server:
        server.stdout.close()
        server.stdin.write(json.dumps(call(1, "runs")).encode() + b"\n")
        server.stdin.flush()
        assert server.wait(60) == 0
        assert server.stderr.read() == b""
        server.stdin.close()
