"""What README.md shows is what there is."""

import os
import re
from pathlib import Path

import pytest
from readme_help import BLOCK, COLUMNS

from one_trace import examples

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
SHOWN = BLOCK.findall(README)


def test_it_is_short():
    assert README.count("\n") <= 200


@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=[command for command, _ in SHOWN])
def test_help_is_what_the_program_says(machine, command, shown):
    machine.env["COLUMNS"] = COLUMNS
    assert machine.one(*command.split()).out.decode() == shown


def test_both_commands_can_be_found_by_their_mark():
    for mark in ("sample", "tests"):
        assert len(re.findall(rf"^<!-- {mark} -->\n```sh\n.+?\n```$", README, re.MULTILINE | re.DOTALL)) == 1


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)]+)\)", README))
def test_links_lead_somewhere(link):
    assert (Path(__file__).resolve().parents[2] / link).exists()


EXAMPLES = re.findall(r"^  ```\n  \$ one (.*?)\n(.*?)^  ```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_an_example_is_what_the_program_prints(machine, command, shown):
    """Its words; ids, times and figures are of another run, which also has fewer columns."""
    machine.player("02-linear-unicode")
    machine.env["COLUMNS"] = COLUMNS
    assert machine.one("--agent", "flow", "execute", "x", "--trace").code == 0
    done = machine.one(*command.split())
    printed = (done.err if command.startswith("config") else done.out).decode().splitlines()
    lines = shown.splitlines()
    assert len(printed) == len(lines)
    for line, same in zip(printed, lines, strict=True):
        words, expected = ({word for word in text.split() if word.isalpha()} for text in (line, same))
        assert words - {"x"} <= expected - {"tour"}, line


ROW = re.compile(r"^[│├└─ ]*[✓◷○] (?:\[\d\] )?(\w+)")


def test_the_picture_is_that_of_the_sample_flow(machine):
    machine.with_node().env["PATH"] += os.pathsep + os.defpath
    machine.env["ONE_TRACE_HOST"] = "built-in"
    examples.copy_to(machine.project)
    done = machine.one("--agent", "flow", "execute", "tour", "--allow-bash", "--trace")
    assert done.code == 0, done.out
    spans = machine.one("--agent", "trace", "show", "--full").document["spans"]
    picture = README[README.index("$ one trace show") : README.index("~ estimated")]
    drawn = [row[1] for line in picture.split("\n")[6:] if (row := ROW.match(line))]
    assert sorted(drawn) == sorted(span["stepId"] for span in spans)
