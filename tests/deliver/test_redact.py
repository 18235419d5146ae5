from __future__ import annotations

import pytest

from one_trace.deliver.redact import redact

# Put together here, so that no scanner of this repository takes them for real ones.
SECRETS = {
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "github": "ghp_" + "a1B2" * 9,
    "github fine": "github_pat_" + "11ABCDEFG0" * 4,
    "gitlab": "glpat-" + "x1Y2z3W4v5" * 2,
    "anthropic": "sk-ant-" + "api03-" + "abcDEF123" * 8,
    "openai": "sk-" + "abcDEF123456" * 4,
    "stripe": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "slack": "xoxb-" + "123456789012-1234567890123-" + "AbCdEfGhIjKlMnOpQrStUvWx",
    "npm": "npm_" + "abcdefghijklmnopqrstuvwxyz0123456789",
    "pypi": "pypi-" + "AgEIcHlwaS5vcmc" + "A" * 70,
    "hugging face": "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    "google": "AIza" + "SyA1234567890abcdefghijklmnopqrstuv",
    "traces": "trk_" + "0123456789abcdef0123456789abcdef",
    "jwt": "eyJhbGciOiJIUzI1NiJ9."
    + "eyJzdWIiOiIxMjM0NTY3ODkwIn0."
    + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_does_not_leave(secret: str) -> None:
    text = redact(f"request failed with {secret} at step 3")
    assert secret not in text
    assert text.startswith("request failed with ")
    assert text.endswith(" at step 3")


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("postgres://admin:hunter22@db.internal:5432/app refused", "hunter22"),
        ("Authorization: Bearer abcdef0123456789", "abcdef0123456789"),
        ('{"password": "correct horse"}', "correct"),
        ("OPENAI_API_KEY=abc123def456 is wrong", "abc123def456"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIB\nAAKCAQEA\n-----END RSA PRIVATE KEY-----", "AAKCAQEA"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEcutoff", "MIIEcutoff"),
        ("curl -u user:p4ssw0rd https://user:p4ssw0rd@host/x", "p4ssw0rd@host"),
    ],
)
def test_a_secret_is_known_by_where_it_stands(text: str, gone: str) -> None:
    assert gone not in redact(text)


def test_half_a_secret_at_the_end_of_what_is_kept_does_not_leave() -> None:
    cut = ("words and words " * 300)[:4080] + " key ghp_a1B2c3D4e5"[:16]
    assert cut.endswith("ghp_a1B2c3D")
    assert "ghp_" not in redact(cut)
    assert redact(cut).endswith("key …")


@pytest.mark.parametrize(
    "text",
    [
        "Step timed out after 120000ms",
        "ENOENT: no such file or directory, open './data/input.json'",
        "Cannot read properties of undefined (reading 'token')",
        "connect ECONNREFUSED 127.0.0.1:5432",
        "HTTP 429 Too Many Requests from https://api.example.com/v1/items?page=2",
        "Expected ',' or '}' after property value in JSON at position 4096 (line 12 column 3)",
        "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad not found",
        "run 550e8400-e29b-41d4-a716-446655440000 has no output",
        "bash exited with code 127: jq: command not found",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert redact(text) == text
