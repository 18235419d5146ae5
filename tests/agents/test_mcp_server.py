"""The MCP server: what each line of a client gets as an answer, without any tool being run."""

import json

import pytest

from one_trace.agents.server import Server
from one_trace.agents.tools import TOOLS, command_line
from one_trace.errors import WrongUsage

pytestmark = pytest.mark.unit
META = "io.modelcontextprotocol/"
MODERN = {f"{META}protocolVersion": "2026-07-28", f"{META}clientCapabilities": {}}


def request(method, params=None, id=1):
    return {"jsonrpc": "2.0", "id": id, "method": method} | ({} if params is None else {"params": params})


def initialize(version):
    return request("initialize", {"protocolVersion": version, "capabilities": {}}, id="first")


def cancel(id):
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}


def answers(*messages, ran=None):
    """The lines that the server writes for these lines; `ran` collects the commands of the tools."""
    written = []

    def run(line):
        (ran if ran is not None else []).append(line)
        return '{"schema":"x"}', False

    server = Server(run, written.append)
    server.receive(each if isinstance(each, bytes) else json.dumps(each).encode() for each in messages)
    server.work()
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in written)
    return [json.loads(line) for line in written]


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ],
)
def test_initialize_agrees_on_a_version_that_both_know(asked, agreed):
    (answer,) = answers(initialize(asked))
    assert answer["id"] == "first"
    assert answer["result"]["protocolVersion"] == agreed
    assert answer["result"]["capabilities"] == {"tools": {}}
    assert answer["result"]["serverInfo"]["name"] == "one-trace"


CODES = [
    (b"nope", None, -32700),
    (b'{"a": NaN}', None, -32700),
    (b"\xff\xfe", None, -32700),
    (b"[" * 100_000, None, -32700),
    ([], None, -32600),
    (7, None, -32600),
    ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, 1, -32600),
    ({"jsonrpc": "2.0", "id": None, "method": "ping"}, None, -32600),
    ({"jsonrpc": "2.0", "id": True, "method": "ping"}, None, -32600),
    ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, None, -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": 7}, 1, -32600),
    ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, 1, -32602),
    (request("resources/list"), 1, -32601),
    (request("x" * 10_000), 1, -32601),
    (request("initialize", {}), 1, -32602),
    (request("server/discover"), 1, -32601),
    (request("ping", {"_meta": MODERN}), 1, -32601),
    (request("initialize", {"protocolVersion": "2025-11-25", "_meta": MODERN}), 1, -32601),
    (request("tools/list", {"_meta": {f"{META}protocolVersion": "2026-07-28"}}), 1, -32602),
    (request("tools/list", {"_meta": {f"{META}protocolVersion": "2099-01-01"}}), 1, -32022),
    (request("tools/call", {"name": "delete"}), 1, -32602),
    (request("tools/call", {"name": ["runs"]}), 1, -32602),
    (request("tools/call", {"name": "runs", "arguments": []}), 1, -32602),
]


@pytest.mark.parametrize(("message", "id", "code"), CODES, ids=lambda value: str(value)[:60])
def test_what_is_wrong_with_a_message_is_its_answer_and_the_next_one_is_served(message, id, code):
    wrong, served = answers(message, request("ping", id="next"))
    assert (wrong["id"], wrong["error"]["code"]) == (id, code)
    assert len(wrong["error"]["message"]) < 200
    assert served == {"jsonrpc": "2.0", "id": "next", "result": {}}


def test_notifications_and_responses_get_no_answer():
    notes = [{"jsonrpc": "2.0", "method": name} for name in ("notifications/initialized", "nosuch")]
    responses = [{"jsonrpc": "2.0", "id": 1, "result": {}}, {"jsonrpc": "2.0", "id": 1, "error": {}}]
    assert answers(*notes, *responses, {"jsonrpc": "2.0", "method": "x", "params": []}, b"", b"  ") == []


def test_a_request_that_names_its_version_needs_no_handshake():
    discovered, tools, called = answers(
        request("server/discover", {"_meta": MODERN}),
        request("tools/list", {"_meta": MODERN}),
        request("tools/call", {"name": "runs", "_meta": MODERN}),
    )
    assert discovered["result"]["supportedVersions"][0] == "2026-07-28"
    for answer in (discovered, tools, called):
        assert answer["result"]["resultType"] == "complete"
        assert answer["result"]["_meta"][f"{META}serverInfo"]["name"] == "one-trace"
    assert all(answer["result"]["cacheScope"] == "public" for answer in (discovered, tools))
    assert "ttlMs" not in called["result"]


def test_an_array_is_answered_by_an_array_in_the_only_version_that_has_them():
    call = request("tools/call", {"name": "runs"}, id=3)
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    batch = [request("ping", id=2), note, call, 7]
    _, empty, answer = answers(initialize("2025-03-26"), batch, [note], [])
    assert {each["id"]: "result" in each for each in answer} == {2: True, 3: True, None: False}
    assert empty["error"]["code"] == -32600
    assert answers(initialize("2025-06-18"), batch)[1]["error"]["code"] == -32600


def test_a_cancelled_call_is_not_run_and_not_answered():
    ran = []
    calls = [request("tools/call", {"name": name}, id=name) for name in ("runs", "stats", "cost")]
    found = answers(*calls, cancel("stats"), cancel("nosuch"), cancel({"a": 1}), ran=ran)
    assert [answer["id"] for answer in found] == ["runs", "cost"]
    assert [line[0] for line in ran] == ["list", "cost"]


def test_a_call_that_is_cancelled_while_its_tool_runs_is_not_answered():
    written = []

    def run(line):
        server.receive([json.dumps(cancel(1)).encode()])
        return "{}", False

    server = Server(run, written.append)
    server.receive([json.dumps(request("tools/call", {"name": "runs"})).encode()])
    server.work()
    assert written == []


LINES = [
    ("runs", {}, ["list", "--limit=20", "--"]),
    ("runs", {"flow": "--full", "here": True}, ["list", "--flow=--full", "--here", "--limit=20", "--"]),
    ("run", {}, ["show", "--", "last"]),
    ("run", {"run": "--with-output", "failed": True}, ["show", "--failed", "--", "--with-output"]),
    ("step", {"step": "k > a"}, ["show", "--step=k > a", "--", "last"]),
    ("stats", {"flow": "$(touch x)", "since": "7d"}, ["stats", "--since=7d", "--", "$(touch x)"]),
    ("diff", {"a": "k@prev", "b": "k@last"}, ["diff", "--", "k@prev", "k@last"]),
    ("schema", {"name": "stats"}, ["schema", "--", "stats"]),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "given", "line"), LINES)
def test_the_arguments_of_a_tool_are_values_of_one_command(tool, given, line):
    assert command_line(TOOLS[tool], given) == line


WRONG = [
    ("runs", {"full": True}, "no argument 'full'"),
    ("run", {"with-output": True}, "no argument"),
    ("runs", {"limit": "3"}, "of type integer"),
    ("runs", {"limit": True}, "of type integer"),
    ("runs", {"limit": 0}, "cannot be '0'"),
    ("runs", {"status": "any"}, "cannot be 'any'"),
    ("runs", {"flow": ["k"]}, "of type string"),
    ("step", {}, "'step' is missing"),
    ("diff", {"a": "base.json", "b": "last"}, "'a' is a file"),
    ("diff", {"a": "last", "b": "/etc/passwd"}, "'b' is a file"),
    ("stats", {"flow": "k" * 10_000}, "too long"),
]


@pytest.mark.parametrize(("tool", "given", "message"), WRONG)
def test_wrong_arguments_are_an_error_of_the_tool_with_a_hint(tool, given, message):
    with pytest.raises(WrongUsage, match=message):
        command_line(TOOLS[tool], given)
    (answer,) = answers(request("tools/call", {"name": tool, "arguments": given}))
    error = json.loads(answer["result"]["content"][0]["text"])["error"]
    assert answer["result"]["isError"] is True
    assert message in error["message"]
    assert error["hint"]


def test_the_list_of_tools_is_short_and_each_says_when_to_use_it_and_how_large_it_gets():
    (answer,) = answers(request("tools/list"))
    tools = answer["result"]["tools"]
    assert len(tools) <= 8
    assert len(json.dumps(tools, separators=(",", ":"))) < 6_000
    for tool in tools:
        assert "Use it" in tool["description"]
        assert "characters" in tool["description"]
        assert tool["annotations"]["readOnlyHint"] is True
        assert tool["inputSchema"]["additionalProperties"] is False
    reading = {"list", "show", "stats", "insights", "diff", "cost", "schema"}
    assert {tool.command[0] for tool in TOOLS.values()} <= reading
