"""No command line and no source line of a step is sent."""

from __future__ import annotations

import pytest

from one_trace.outbound.quoted_code import without_quotes

COMMAND = "cd /srv && canary --now\ncat <<END\nError: canary too\nEND"
FAILED = f"Command failed: {COMMAND}\n"
END = len(FAILED) - 1


def remaining(stderr: str, command: str = COMMAND) -> str:
    text = f"Command failed: {command}\n{stderr}"
    return without_quotes(text, {text: len(text) - len(stderr) - 1})


def test_a_command_is_removed_and_its_output_kept() -> None:
    assert remaining("disk is full\nsee the log\n") == "Command failed\ndisk is full\nsee the log\n"
    assert remaining("") == "Command failed"


def test_only_system_messages_stay_where_the_end_of_a_command_is_unknown() -> None:
    shown = without_quotes(f"{FAILED}sh: 1: canary: not found\n", {})
    assert shown == "Command failed (not found)"
    wrapped = without_quotes(f"Error: {FAILED}", {})
    assert "canary" not in wrapped


@pytest.mark.parametrize(
    ("stderr", "stays"),
    [
        ("/bin/sh: 1: canary: not found", "/bin/sh: 1: not found"),
        ("bash: line 3: canary: command not found", "bash: line 3: command not found"),
        ("bash: -c: line 1: `canary --now'", "bash: -c: line 1"),
        ("sh: 1: Syntax error: \"canary\" unexpected", "sh: 1: Syntax error"),
        ("+ canary --now\n++ canary\ndone", "done"),
        ('Traceback (most recent call last):\n  File "<string>", line 1, in <module>\n    canary()\nValueError: x',
         'Traceback (most recent call last):\n  File "<string>", line 1, in <module>\nValueError: x'),
        ('  File "<stdin>", line 2\n    canary(\n          ^\nSyntaxError: \'(\' was never closed',
         '  File "<stdin>", line 2\nSyntaxError: \'(\' was never closed'),
        ("[eval]:1\ncanary()\n^\n\nReferenceError: x is not defined\n    at [eval]:1:1",
         "[eval]:1\n\nReferenceError: x is not defined\n    at [eval]:1:1"),
        ("/srv/a.js:3\n  canary.go();\n         ^\n\nTypeError: x", "/srv/a.js:3\n\nTypeError: x"),
        ("a.ts:3:5 - error TS2322: no.\n\n3     canary()\n      ~~~~~~\n", "a.ts:3:5 - error TS2322: no.\n\n"),
        ("SyntaxError: x (1:2)\n> 1 | canary(\n    |       ^\n  2 | canary", "SyntaxError: x (1:2)"),
        ("error[E1]: no\n --> a.rs:1:1\n  |\n1 | canary\n  | ^^^^^^ here", "error[E1]: no"),
        ("syntax error at -e line 1, near \"canary;\"", "syntax error at -e line 1, …"),
        ("psql: ERROR:  no\nLINE 1: SELECT canary\n        ^", "psql: ERROR:  no"),
        ("jq: error: syntax error at <top-level>, line 1:\n.canary |\njq: 1 compile error",
         "jq: error: syntax error at <top-level>, line 1:\njq: 1 compile error"),
        ("oops\nusage of canary --now is wrong", "oops"),
    ],
)  # fmt: skip
def test_source_quoted_in_a_stderr_is_removed(stderr: str, stays: str) -> None:
    assert remaining(stderr) == f"Command failed\n{stays}"


def test_the_source_line_of_a_code_step_is_removed_and_its_message_kept() -> None:
    text = (
        'Code step "x" failed at line 1:7\n  throw new Error("canary " + $.input.a)\n  HTTP 404 gone\n  twice'
    )
    assert without_quotes(text, {}) == 'Code step "x" failed at line 1:7\n  HTTP 404 gone\n  twice'
    assert (
        without_quotes('Code step "x" failed at line 1:7\n  canar', {}) == 'Code step "x" failed at line 1:7'
    )


def test_the_source_of_a_module_is_removed() -> None:
    text = (
        'Code module "m.mjs" exited with code 1: file:///srv/m.mjs:3\nthrow new Error("canary");\n      ^\n\n'
        "Error: boom\n    at file:///srv/m.mjs:3:7\n\nNode.js v20.11.0"
    )
    shown = without_quotes(text, {})
    assert "canary" not in shown
    assert "Error: boom\n    at file:///srv/m.mjs:3:7" in shown


@pytest.mark.parametrize(
    "text",
    [
        "Step timed out after 120000ms",
        'Traceback (most recent call last):\n  File "/app/main.py", line 8, in run\n    raise ValueError\nValueError',
        "src/a.ts:3:5 - error TS2322: no.\n\n3     const a = 1;\n      ~~~~~\n",
        "HTTP 500: the upstream said ^ and ~",
    ],
)
def test_other_error_texts_are_unchanged(text: str) -> None:
    assert without_quotes(text, {}) == text
