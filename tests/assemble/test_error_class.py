"""What kind of error it was."""

from __future__ import annotations

import pytest

from one_trace.assemble.spans.error_class import error_class

CASES = [
    ('Step "slow" exceeded timeout of 60ms', "code", "TIMEOUT"),
    (
        'Code step "r" failed at line 1:7\n  throw new Error("x")\n  HTTP 429 slow down',
        "code",
        "HTTP_429",
    ),
    ("Request failed with status code 503", "code", "HTTP_503"),
    ('{"error": "HTTP 500 kaboom"}', "action", "HTTP_500"),
    ("503 Service Unavailable", "action", "HTTP_503"),
    ("curl: (22) The requested URL returned error: 404", "bash", "HTTP_404"),
    ("connect ECONNREFUSED 127.0.0.1:1", "code", "NETWORK"),
    ("curl: (6) Could not resolve host: nowhere.example", "bash", "NETWORK"),
    ("fetch failed", "code", "NETWORK"),
    ("Command failed: foo\n/bin/sh: 1: foo: not found", "bash", "EXIT_127"),
    ("Command failed: make\nmake: *** exit status 2", "bash", "EXIT_2"),
    ("Command failed: false\n", "bash", "EXIT"),
    ('Code module "x.mjs" exited with code 3: boom', "code", "EXIT_3"),
    (
        'Code module "x.mjs" exited with code 1: x:3\nthrow new Error("a")\nError: no rows\n    at f',
        "code",
        "SCRIPT",
    ),
    ('Code module "x.mjs" exited with code 1: x:1\n\nTypeError: fetch failed\n    at f', "code", "NETWORK"),
    ("Unexpected token 'a', \"abc\" is not valid JSON", "bash", "PARSE"),
    ("Unexpected end of JSON input", "bash", "PARSE"),
    ('Missing required input: "who"', None, "INPUT"),
    ('Input "count" must be a number, got array ([null])', "flow", "INPUT"),
    ("ENOENT: no such file or directory, open '/x'", "file-read", "FILE"),
    ("Circular flow detected: a → b → a", "flow", "FLOW"),
    ("Unknown step type: teleport", "teleport", "FLOW"),
    ("Bash steps require --allow-bash flag for security", "bash", "PERMISSION"),
    ('Code step "x" failed at line 1:1\n  y()\n  y is not defined', "code", "SCRIPT"),
    ('Code step "x" failed at line 1:7\n  throw new Error("it 1")\n  it 1', "code", "SCRIPT"),
    ("stdout maxBuffer length exceeded", "bash", "SIZE"),
    ("something odd", "condition", "OTHER"),
]


@pytest.mark.parametrize(("text", "kind", "expected"), CASES)
def test_the_text_tells_where_the_host_gave_no_code(text, kind, expected):
    assert error_class(text, None, kind) == (expected, True)


def test_the_hosts_own_code_goes_first():
    assert error_class("HTTP 500", "TIMEOUT", "code") == ("TIMEOUT", False)
    assert error_class("x", "503", "action") == ("HTTP_503", False)
    assert error_class(None, None, "code") == (None, False)
