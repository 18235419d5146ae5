"""`one trace help TOPIC`: what the pages say is what there is, and each command in them works."""

import re
from pathlib import Path

import pytest

import one_trace
from one_trace.cli import topics
from one_trace.deliver.otlp_env import VARIABLES
from one_trace.settings import keys

PACKAGE = Path(one_trace.__file__).parent
PAGES = {name: topics.page(name) for name in topics.NAMES}
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = [pytest.param(BLOCK.findall(page), id=name) for name, page in PAGES.items() if BLOCK.search(page)]


@pytest.mark.parametrize("blocks", COMMANDS)
def test_each_command_of_a_page_works(machine, blocks):
    machine.player("14-subflow")
    assert machine.one("--agent", "flow", "execute", "sub-main", "--trace").saved
    for line in "".join(blocks).splitlines():
        program, *argv = line.split()
        assert machine.one(*argv, program=program).code == 0, line


def test_every_setting_stands_in_the_table():
    named = re.findall(r"^\| `traces\.(\w+)` \|", PAGES["settings"], re.MULTILINE)
    assert named == [key.name for key in keys.KEYS]


def test_each_variable_of_opentelemetry_that_is_read_stands_in_the_table():
    named = set(re.findall(r"^\| `(OTEL_\w+)` \|", PAGES["otel"], re.MULTILINE))
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    read = set(re.findall(r"\bOTEL_[A-Z_]*[A-Z]\b", sources))
    assert named == read | {f"OTEL_EXPORTER_OTLP_{name}" for name in VARIABLES}


def test_what_a_project_may_set_is_said():
    message = re.search(r"it may set only (.*?), and visibility never", PAGES["settings"], re.DOTALL)
    assert message
    assert re.findall(r"`(\w+)`", message[1]) == [key.name for key in keys.KEYS if key.project]


@pytest.mark.parametrize("name", topics.NAMES)
def test_a_page_fits_what_an_agent_reads_and_is_printed_whole(machine, name):
    document = machine.one("--agent", "trace", "help", name)
    assert document.document == {"schema": "one-trace-topic/1", "topic": name, "text": PAGES[name]}
    assert len(document.out) <= 8000
    assert machine.one("trace", "help", name).out.decode() == PAGES[name]


def test_all_topics_are_listed_and_a_typo_names_the_nearest(machine):
    assert list(machine.one("--agent", "trace", "help").document["topics"]) == list(topics.NAMES)
    done = machine.one("--agent", "trace", "help", "secruity")
    assert done.code == 2
    assert "'security'" in done.document["error"]["hint"]
