"""Text of others inside Markdown, XML and the output of a CI job stays text."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from one_trace.guard.markup import (
    code_block,
    code_span,
    command_data,
    command_property,
    without_commands,
    xml_text,
)
from one_trace.guard.text import clean, json_bytes

HOSTILE = st.text(
    st.sampled_from("`|\\~<>&*_[]()!#@:/\n\r\t %;,=\"' ab1-\x1b\x85\u2028\u202e\ufffe\0"), max_size=60
)
PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")
INERT = {"text", "code_inline", "html_inline"}


def inline(markdown: str) -> list[Token]:
    """The inline tokens of a page that is one table of two cells."""
    tokens = PARSER.parse(f"| a | b |\n| --- | --- |\n| {markdown} | end |\n")
    kinds = [token.type for token in tokens if token.type.endswith("_open")]
    assert (
        kinds
        == ["table_open", "thead_open", "tr_open", "th_open", "th_open", "tbody_open", "tr_open"]
        + ["td_open"] * 2
    )
    cell, end = [token for token in tokens if token.type == "inline"][-2:]
    assert end.content == "end"
    return cell.children or []


@given(HOSTILE)
def test_a_name_in_markdown_is_code_and_nothing_else(name: str) -> None:
    tokens = inline(code_span(name))
    assert {token.type for token in tokens} <= INERT
    tags = [token.content for token in tokens if token.type == "html_inline"]
    assert tags in ([], ["<code>", "</code>"])
    shown = "".join(token.content for token in tokens if token.type != "html_inline")
    assert shown.replace("\ufffe", "\ufffd") == (clean(name).replace("\ufffe", "\ufffd") or " ")


@given(st.lists(HOSTILE.map(clean), min_size=1, max_size=5))
def test_lines_in_a_block_of_code_do_not_end_it(lines: list[str]) -> None:
    page = "\n".join(["before", "", *code_block(lines), "", "after"])
    kinds = [token.type for token in PARSER.parse(page) if not token.type.startswith("paragraph")]
    assert kinds == ["inline", "fence", "inline"]


@given(HOSTILE)
def test_xml_reads_back_as_the_clean_text(text: str) -> None:
    element = ElementTree.fromstring(f'<a b="{xml_text(text)}">{xml_text(text)}</a>')
    assert element.attrib["b"] == (element.text or "") == clean(text).replace("\ufffe", "")


def clean_each(text: str) -> str:
    return "\n".join(map(clean, text.split("\n")))


def as_the_runner_reads(line: str) -> tuple[str, dict[str, str], str]:
    """A command as GitHub's runner parses it: its name, properties and data."""
    head, _, data = line.removeprefix("::").partition("::")
    name, _, rest = head.partition(" ")
    properties = dict(pair.split("=", 1) for pair in rest.split(",") if pair)
    read = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")]
    for escaped, character in read:
        properties = {key: value.replace(escaped, character) for key, value in properties.items()}
        data = data if character in ":," else data.replace(escaped, character)
    return name, properties, data


@given(HOSTILE.filter(bool), HOSTILE)
def test_a_command_for_the_runner_reads_back(file: str, text: str) -> None:
    line = f"::error file={command_property(file)},line=3::{command_data(text)}"
    assert as_the_runner_reads(line) == ("error", {"file": clean(file), "line": "3"}, clean_each(text))


@pytest.mark.parametrize(
    "name",
    [
        "::error::x",
        "  ::add-mask::e",
        "a ##[add-mask]e",
        "x\n::stop-commands::t",
        "\u3000::error::x",
        "\xad::error::x",
    ],
)
def test_output_has_no_command_for_the_runner(name: str) -> None:
    for data in (without_commands(name.encode()), json_bytes(name)):
        assert b"##[" not in data
        assert not any(line.lstrip(b" \t\xe3\x80\xc2\xad").startswith(b"::") for line in data.split(b"\n"))
    assert json.loads(json_bytes(name)) == name
