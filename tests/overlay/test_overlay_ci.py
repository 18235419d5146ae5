"""`one trace ci` as a job runs it: the workflows of the topic, hostile names, a summary that cannot be
written."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from machine import Machine
from made import START_MS, USAGE, assembly, span

from one_trace.cli import topics
from one_trace.export.baseline import to_file
from one_trace.model.baseline import Baseline, Range
from one_trace.model.trace import Cause, Location
from one_trace.store import Store

WORKFLOWS = re.findall(r"^```yaml\n(.*?)^```$", topics.page("ci"), re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\s*(?:- )?(?:run: )?(one .*)$", re.MULTILINE)
FLOW = "daily-digest"


def github(machine: Machine) -> Path:
    """A job of GitHub in which the project is a folder of the repository; returns the summary's file."""
    git = machine.root / ".git"
    for folder in (git / "objects", git / "refs"):
        folder.mkdir(parents=True)
    machine.write(git / "HEAD", "ref: refs/heads/main\n")
    summary = machine.write(machine.root / "summary.md", "before\n")
    machine.env |= {"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_STEP_SUMMARY": str(summary)}
    return summary


def baseline(machine: Machine) -> None:
    known = Baseline(flow_key=FLOW, runs=9, duration_ms=Range(p50=300, low=200, high=900))
    (machine.project / "base.json").write_bytes(to_file(known))


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=["github", "gitlab"])
def test_the_workflows_of_the_topic_judge_a_run_that_failed(machine: Machine, workflow: str) -> None:
    machine.player("97b-realistic-fails", exit=1)
    baseline(machine)
    summary = github(machine) if "runs-on" in workflow else None
    codes, printed = [], b""
    for line in COMMAND.findall(workflow):
        words = line.replace("my-flow", FLOW)
        env = machine.env
        done = subprocess.run(
            ["/bin/sh", "-c", words], env=env, cwd=machine.project, capture_output=True, check=False
        )
        codes.append(done.returncode)
        printed = done.stdout
    assert codes == ([1, 1] if summary else [0, 1])
    report = ElementTree.parse(machine.project / "report.xml").getroot()
    assert report[0].attrib["name"] == FLOW
    assert report.find(".//testcase[@name='store']/failure") is not None
    commands = [line for line in printed.decode().split("\n") if line.startswith("::")]
    if summary is None:
        assert not commands
        return
    place = r"file=project/\.one/flows/[^,:]*\.json,line=\d+"
    assert re.match(rf"::error {place},title={FLOW} failed::{FLOW} > store failed", commands[0])
    written = summary.read_text()
    assert written.startswith(f"before\n### `{FLOW}` ❌ failed in ")
    assert f"**Cause:** `{FLOW} > store` failed" in written
    assert stat.S_IMODE(summary.stat().st_mode) == 0o644


NAME = "::error::x\n##[add-mask]e`|<img src=x>@octocat %0A\x1b[2J\u202e" * 3
SECRET = "password=hunter2hunter2"


def hostile(machine: Machine) -> None:
    at = Location(file=f"../{NAME}", pointer="/steps/0", line=3)
    spans = [
        span(
            f"{NAME}{number}",
            name=NAME,
            type=NAME,
            status="error",
            error=SECRET,
            error_code=NAME,
            usage=USAGE,
        )
        for number in range(60)
    ]
    cause = Cause(span_id=spans[0].span_id, path=spans[0].path, error=SECRET, at=at, never_ran=[NAME])
    made = assembly(spans=spans, flow_key=NAME, status="error", cause=cause, usage=USAGE)
    with Store(machine.data / "traces.db") as store:
        store.save(made)


@pytest.mark.parametrize("agent", [(), ("--agent",)], ids=["people", "agent"])
def test_no_name_and_no_value_of_a_run_reaches_the_job_as_more_than_text(
    machine: Machine, agent: tuple[str, ...]
) -> None:
    hostile(machine)
    summary = github(machine)
    done = machine.one(*agent, "trace", "ci", "--fail-on", "failed", "--junit", "report.xml")
    assert done.code == 1
    both = done.out + done.err
    commands = [line for line in both.split(b"\n") if line.lstrip().startswith(b"::")]
    assert len(commands) == 10
    assert all(re.match(rb"::error (file=[^:,]*,line=3,)?title=[^:,]*::", line) for line in commands)
    assert b"##[" not in both.replace(b"\n".join(commands), b"")
    report = (machine.project / "report.xml").read_bytes()
    everything = both + report + summary.read_bytes()
    for text in (b"hunter2", b"\x1b", "\u202e".encode(), b"Traceback"):
        assert text not in everything
    assert len(ElementTree.fromstring(report).findall(".//failure")) == 60
    if agent:
        document = done.document
        assert len(done.out) <= 8000
        assert (document["ok"], document["annotations"], document["junit"]) == (False, 10, "report.xml")
        assert document["omitted"]["rows"]
        assert document["failOn"][0]["met"]
        whole = machine.one(*agent, "trace", "ci", "--fail-on", "failed", "--full").document
        assert len(whole["because"]) == 61


def test_what_the_users_patterns_match_is_in_no_file_and_no_answer(machine: Machine) -> None:
    machine.write(machine.user_file, '[traces]\nredact = ["secretive"]\n')
    at = Location(file=".one/flows/secretive/flow.json", pointer="/steps/0", line=3)
    slow = [span("secretive-step", duration_ms=900.0, status="error"), span("secretive-step2")]
    cause = Cause(path="secretive-flow > secretive-step", at=at, never_ran=["secretive-flow > secretive3"])
    named = {"flow_key": "secretive-flow"}
    with Store(machine.data / "traces.db") as store:
        store.save(assembly("00000000000a", **named))
        store.save(
            assembly("00000000000b", slow, **named, status="error", cause=cause, start=START_MS + 60_000)
        )
    summary = github(machine)
    assert machine.one("trace", "baseline", "secretive-flow", "-o", "base.json").code == 0
    argv = ("--baseline", "base.json", "--fail-on", "failed", "--junit", "report.xml")
    done = machine.one("trace", "ci", *argv)
    markdown = machine.one("trace", "export", "last", "--format", "markdown")
    assert (done.code, markdown.code) == (1, 0)
    files = b"".join((machine.project / name).read_bytes() for name in ("base.json", "report.xml"))
    for data in (files, done.out, done.err, markdown.out, summary.read_bytes()):
        assert b"secretive" not in data
    assert b"-step" in done.out


def unwritable(machine: Machine, kind: str) -> Path:
    path = machine.root / kind
    if kind == "full":
        path.write_bytes(b"x" * (1 << 20))
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to(machine.write(machine.root / "target", ""))
    return path if kind != "missing" else machine.root / "no" / "folder"


def test_a_summary_that_cannot_be_written_is_a_note_and_no_failure(machine: Machine) -> None:
    with Store(machine.data / "traces.db") as store:
        store.save(assembly())
    for kind in ("full", "folder", "pipe", "link", "missing"):
        path = unwritable(machine, kind)
        done = machine.one("--agent", "trace", "ci", env={"GITHUB_STEP_SUMMARY": str(path)})
        assert (done.code, done.document["ok"], done.document.get("summary")) == (0, True, None), kind
        assert json.loads(done.err)["event"] == "trace:summary", kind
    assert not (machine.root / "target").read_bytes()
    wrong = machine.one("--agent", "trace", "ci", "--junit", str(machine.root / "folder"))
    assert (wrong.code, wrong.document["error"]["code"]) == (2, "wrong-usage")
    wrong = machine.one("--agent", "trace", "ci", "--junit", "no/folder.xml")
    assert (wrong.code, wrong.document["error"]["code"]) == (1, "os-error")


def test_without_a_run_there_is_nothing_to_judge(machine: Machine) -> None:
    done = machine.one("--agent", "trace", "ci")
    assert (done.code, done.document["error"]["code"]) == (3, "no-such-run")
