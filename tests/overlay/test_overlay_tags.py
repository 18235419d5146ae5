"""Tags of runs: given when a run starts or afterwards, kept, shown, filtered by, and sent."""

import json

import pytest

from one_trace.model import tags
from one_trace.outbound.redact import redact
from one_trace.outbound.tag_text import without_secrets

RUN = ["--agent", "flow", "execute", "k", "--trace"]

TEXTS = [
    ("env=prod", ("env", "prod")),
    (" env = prod ", ("env", "prod")),
    ("a=b=c", ("a", "b=c")),
    ("env=", ("env", "")),
    ("büro=1", None),
    ("=x", None),
    ("env", None),
    ("", None),
    ("a b=c", None),
    (f"{'k' * 41}=v", None),
    (f"k={'v' * 201}", None),
    ("k=\x1b]0;x\x07", None),
    ("k=\u202ex", None),
    ("k=a\nb", None),
    ("k=\udcff", None),
    ("$(touch x)=y", None),
]


@pytest.mark.parametrize(("text", "tag"), TEXTS)
def test_a_tag_is_a_short_name_and_a_short_value(text, tag):
    if tag is not None:
        assert tags.parse(text) == tag
        return
    with pytest.raises(ValueError, match="'"):
        tags.parse(text)


def test_later_tags_win_and_the_seventeenth_is_not_used():
    many = [f"k{number}=v" for number in range(17)]
    found, problems = tags.collect(["a=1", "a=2", "b=1", "b=", "c"])
    assert (found, len(problems)) == ({"a": "2"}, 1)
    found, problems = tags.collect(many)
    assert (len(found), problems) == (16, ["a run has at most 16 tags"])


def test_secrets_in_tags_are_redacted():
    key = "ghp_" + "a1B2" * 9
    given = {"ref": key, "password": "hunter2hunter2", "env": "prod", key: "x", "commit": "9f86d081884c7d65"}
    kept = without_secrets(given, redact)
    assert kept == {"ref": "[REDACTED]", "password": "[REDACTED]", "env": "prod", "commit": given["commit"]}


def tagged(machine, *options):
    return machine.one(*RUN, *options)


def tags_of(machine, run_id):
    return machine.one("--agent", "trace", "show", "--full", run_id).document["run"]["tags"]


def test_tags_come_from_the_environment_and_the_command_line(machine):
    machine.player("02-linear-unicode", before="Path('args').write_text(json.dumps(sys.argv[1:]))")
    machine.env["ONE_TRACES_TAGS"] = "env=ci, team=a,env2=x"
    done = tagged(machine, "--trace-tag", "env=prod", "--trace-tag=env2=", "--trace-tag", "$(touch pwned)")
    bad, saved = done.notes
    assert (bad["code"], saved["event"]) == ("bad-tag", "trace:saved")
    assert tags_of(machine, saved["runId"]) == {"env": "prod", "team": "a"}
    assert json.loads((machine.project / "args").read_text()) == ["--agent", "flow", "execute", "k"]
    machine.one("trace", "import")
    assert tags_of(machine, "last") == {"env": "prod", "team": "a"}, "an import knows of no tags"


def test_trace_tag_changes_tags(machine):
    machine.player("02-linear-unicode")
    run = tagged(machine, "--trace-tag", "env=prod", "--trace-tag", "a=1").saved["runId"]
    done = machine.one("--agent", "trace", "tag", run, "a=", "env=dev", "b=2")
    assert done.document == {"schema": "one-trace-tags/1", "runId": run, "tags": {"env": "dev", "b": "2"}}
    assert machine.one("trace", "tag", run).out == b"env=dev\nb=2\n"
    for wrong in (["nothing"], ["k=\x1b[2J"], [f"k{number}=v" for number in range(17)]):
        refused = machine.one("--agent", "trace", "tag", run, *wrong)
        assert (refused.code, refused.document["error"]["code"]) == (2, "wrong-usage")
    assert machine.one("--agent", "trace", "tag", "nope", "a=1").code == 3
    assert tags_of(machine, run) == {"env": "dev", "b": "2"}
    page = machine.one("trace", "show", run, env={"COLUMNS": "200"}).out.decode()
    assert "tags env=dev, b=2" in page


def test_runs_are_filtered_by_tag_and_session(machine):
    machine.player("21-bash-envelope")
    machine.env["CODEX_THREAD_ID"] = "t-1"
    first = tagged(machine, "--trace-tag", "env=prod", "--trace-tag", "x=1").saved["runId"]
    machine.env["CODEX_THREAD_ID"] = "t-2"
    second = tagged(machine, "--trace-tag", "env=dev").saved["runId"]

    def listed(*options):
        return [run["runId"] for run in machine.one("--agent", "trace", "list", *options).document["runs"]]

    assert listed("--tag", "env=prod") == listed("--session", "t-1") == [first]
    assert listed("--tag", "env=prod", "--tag", "x=1") == [first]
    assert listed("--tag", "env=dev", "--tag", "x=1") == listed("--session", "t-3") == []
    assert listed("--tag", "env=dev", "--session", "t-2") == [second]
    flow = machine.runs()[0]["flowKey"]
    for verb in (["stats"], ["cost"], ["insights"], ["stats", flow], ["insights", flow]):
        document = machine.one("--agent", "trace", *verb, "--tag", "env=prod").document
        assert (document["runs"], document["tags"]) == (1, {"env": "prod"}), verb
    groups = machine.one("--agent", "trace", "stats", "--by", "tag:env").document["groups"]
    assert {group["value"]: group["runs"] for group in groups} == {"prod": 1, "dev": 1}
    assert machine.one("trace", "stats", "--tag", "env=no").out == b"No run of any flow with env=no.\n"
    assert machine.one("--agent", "trace", "list", "--tag", "env=").code == 2


def test_tags_survive_pruning_and_a_document(machine, tmp_path):
    machine.player("02-linear-unicode")
    run = tagged(machine, "--trace-tag", "env=prod").saved["runId"]
    exported = machine.root / "run.json"
    machine.one("trace", "export", run, "-o", str(exported))
    machine.one("trace", "prune", "--older-than", "0s", "--force", "--yes")
    machine.one("trace", "import")
    assert tags_of(machine, run) == {"env": "prod"}
    for file in machine.data.iterdir():
        file.unlink()
    machine.one("trace", "import", str(exported))
    assert tags_of(machine, run) == {"env": "prod"}
    document = json.loads(exported.read_text())
    document["run"]["tags"] = {"a b": "c"}
    exported.write_text(json.dumps(document))
    assert b"run.tags" in machine.one("trace", "import", str(exported)).out


def test_tags_are_sent_in_events_and_otlp(machine):
    machine.player("02-linear-unicode")
    run = tagged(machine, "--trace-tag", "env=prod").saved["runId"]
    first, *others = machine.one("trace", "export", run, "--format", "events").out.splitlines()
    assert json.loads(first)["tags"] == {"env": "prod"}
    assert not any(b'"tags"' in line for line in others)
    assert b'"one.tag.env"' in machine.one("trace", "export", run, "--format", "otlp").out
