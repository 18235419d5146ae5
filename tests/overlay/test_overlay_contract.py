"""What a script may rely on: the members of each document, the exit codes, one document a command."""

import json
import os
import shlex

import pytest

DOCUMENT = {"schema", "run", "spans"}
RUN = {
    "runId", "traceId", "flowKey", "status", "startedAt", "endedAt", "durationMs", "executor", "cwd",
    "inputBytes", "counts", "usage", "session", "parentRunId", "tags", "uploads", "exit",
}  # fmt: skip
ONLY_OF_FAILED = {"cause"}
COUNTS = {"spans", "success", "error", "timeout", "skipped", "stopped", "incomplete", "retries"}
SPAN = {
    "spanId", "parentSpanId", "stepId", "name", "type", "flowKey", "path", "iteration", "branch", "index",
    "parentAttempt", "attempts", "retries", "status", "startedAt", "startMs", "durationMs", "inputBytes",
    "outputBytes", "error", "errorCode", "late", "derived", "usage",
}  # fmt: skip
USAGE = {
    "inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens", "costUsd", "turns", "models",
    "sessions",
}  # fmt: skip
SPAN_EVENT = {
    "event", "flowKey", "stepId", "timestamp", "runId", "traceId", "spanId", "parentSpanId", "path", "type",
    "iteration", "branch", "inputSize",
}  # fmt: skip
SPAN_END = SPAN_EVENT | {
    "status", "durationMs", "outputSize", "attempts", "retries", "errorCode", "usage",
}  # fmt: skip
FLOW_EVENT = {"event", "flowKey", "timestamp", "runId", "traceId"}
STARTED = "2026-04-06T10:02:00.000Z"


def traced(machine, case, **options):
    machine.player(case, **options)
    return machine.one("--agent", "flow", "execute", "k", "--trace")


CASES = [
    ("06-loop-seq", set(), {}),
    ("97b-realistic-fails", ONLY_OF_FAILED, {"exit": 1}),
    ("21-bash-envelope", set(), {}),
    ("11-parallel-simple", set(), {}),
]


@pytest.mark.parametrize(("case", "more", "options"), CASES)
@pytest.mark.parametrize("argv", [["show", "--full"], ["export", "last", "--format", "json"]], ids=" ".join)
def test_the_trace_document_has_the_members_of_the_contract_and_no_other(machine, case, more, options, argv):
    traced(machine, case, **options)
    document = machine.one("--agent", "trace", *argv).document
    assert set(document) == DOCUMENT
    assert document["schema"] == "one-trace/1"
    run = document["run"]
    assert set(run) == RUN | more
    assert set(run["counts"]) == COUNTS
    assert set(run["executor"]) == {"name", "version"}
    for span in document["spans"]:
        assert set(span) == SPAN
        assert span["usage"] is None or set(span["usage"]) == USAGE
    assert run["usage"] is None or set(run["usage"]) == USAGE
    for moment in (run["startedAt"], run["endedAt"], *(span["startedAt"] for span in document["spans"])):
        assert len(moment) == len(STARTED)
        assert moment.endswith("Z")


def test_an_llm_step_has_its_usage(machine):
    traced(machine, "21-bash-envelope")
    run = machine.one("--agent", "trace", "show", "--full").document["run"]
    assert set(run["usage"]) == USAGE


@pytest.mark.parametrize("case", ["06-loop-seq", "25-timeout-fail"])
def test_event_lines_have_the_members_of_the_contract(machine, case):
    traced(machine, case)
    lines = machine.one("trace", "export", "last", "--format", "events").out.split(b"\n")
    events = [json.loads(line) for line in lines if line]
    assert events[0]["event"] == "flow:start"
    assert events[-1]["event"] in ("flow:complete", "flow:error")
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
    for event in events:
        if event["event"].startswith("flow:"):
            assert set(event) >= FLOW_EVENT
        else:
            assert set(event) == (SPAN_EVENT if event["event"] == "step:start" else SPAN_END), event["event"]


SAVED = ["event", "runId", "traceId", "spans", "status", "durationMs", "uploads"]


def test_the_line_about_a_trace_has_its_members(machine):
    done = traced(machine, "06-loop-seq")
    assert list(done.saved) == SAVED
    assert done.saved["uploads"] == []
    assert (done.saved["status"], done.saved["durationMs"] > 0) == ("success", True)


def test_the_line_about_a_run_that_failed_says_why_and_what_to_run_next(machine):
    saved = traced(machine, "97b-realistic-fails", exit=1).saved
    assert list(saved) == [*SAVED[:-1], "exit", "cause", "next", "uploads"]
    assert saved["status"] == "error"
    assert set(saved["cause"]) == {"path", "class", "error", "at"}
    answer = machine.one(*shlex.split(saved["next"])[1:]).document
    assert answer["cause"]["path"] == saved["cause"]["path"]


def test_a_session_is_who_and_which(machine):
    machine.env["CLAUDE_CODE_SESSION_ID"] = "s-1"
    traced(machine, "06-loop-seq")
    run = machine.one("--agent", "trace", "show", "--full").document["run"]
    assert run["session"] == {"agent": "claude-code", "sessionId": "s-1"}


ANSWERS = [
    (["show", "RUN"], 0),
    (["show", "last", "--failed"], 0),
    (["list", "--flow", "k", "--status", "success", "--since", "7d", "--limit", "2"], 0),
    (["stats"], 0),
    (["stats", "no-such-flow", "--since", "30d"], 3),
    (["cost"], 0),
    (["diff", "RUN", "RUN"], 0),
    (["export", "RUN", "--format", "json", "-o", "OUT"], 0),
    (["export", "RUN", "--format", "html", "-o", "OUT"], 0),
    (["import"], 0),
    (["sync"], 0),
    (["share", "RUN"], 4),
    (["share", "ffffffffffff"], 3),
    (["login"], 2),
    (["logout"], 0),
    (["open", "RUN"], 0),
    (["prune", "--older-than", "30d"], 0),
    (["prune"], 0),
    (["show", "ffffffffffff"], 3),
    (["show", "--depth", "x"], 2),
    (["export", "RUN", "--format", "pdf"], 2),
    (["nonsense"], 2),
]


PLACED = [(argv, code, place % 4) for place, (argv, code) in enumerate(ANSWERS)]


@pytest.mark.parametrize(("argv", "code", "place"), PLACED, ids=[" ".join(argv) for argv, _ in ANSWERS])
def test_each_command_prints_one_document_wherever_agent_stands(machine, argv, code, place):
    run_id = traced(machine, "06-loop-seq").saved["runId"]
    known = {"RUN": run_id, "OUT": str(machine.root / "out.file")}
    words = ["trace", *(known.get(word, word) for word in argv)]
    words.insert(place, "--agent")
    done = machine.one(*words)
    assert done.code == code, done.out
    assert isinstance(done.document, dict)
    assert done.out.count(b"\n") == 1
    if code:
        error = done.document["error"]
        assert {"code", "message", "hint"} <= set(error)
        assert os.linesep not in error["message"]


@pytest.mark.parametrize("argv", [["import", "nowhere-at-all"], ["doctor"]], ids=" ".join)
def test_what_found_something_wrong_says_what_in_its_own_document(machine, argv):
    traced(machine, "06-loop-seq")  # whose state file others can read
    done = machine.one("--agent", "trace", *argv)
    assert done.code == 1
    assert done.document.get("problems") or done.document["ok"] is False


@pytest.mark.parametrize("place", range(4))
def test_agent_may_stand_anywhere(machine, place):
    words = ["trace", "list", "--limit", "1"]
    words.insert(place, "--agent")
    assert machine.one(*words).document["total"] == 0


def test_the_environment_is_the_same_as_the_flag(machine):
    machine.env["ONE_AGENT"] = "1"
    assert machine.one("trace", "show").document["error"]["code"] == "no-such-run"
    assert "settings" in machine.one("config", "list").document
