from __future__ import annotations

from pathlib import Path

import pytest

import one_trace
from one_trace.guard.urls import parse
from one_trace.settings.keys import parse_endpoint, parse_otlp_endpoint

PACKAGE = Path(one_trace.__file__).parent


@pytest.mark.parametrize(
    "text",
    [
        "http://localhost",
        "HTTP://LOCALHOST:1",
        "http://localhost.",
        "http://127.0.0.1",
        "http://127.255.0.9:80/x",
        "http://127.1",
        "http://2130706433",
        "http://0x7f000001",
        "http://0x7F.1",
        "http://0177.0.0.1",
        "http://[::1]",
        "http://[0:0:0:0:0:0:0:1]:8",
        "http://[::ffff:127.0.0.1]",
        "http://evil.com@localhost",
    ],
)
def test_loopback_is_recognised_in_every_spelling(text: str) -> None:
    url = parse(text)
    assert (url.loopback, url.tls) == (True, False)
    assert parse(url.text) == url


@pytest.mark.parametrize(
    "text",
    [
        "https://localhost@evil.com",
        "https://localhost:80@evil.com:443",
        "https://127.evil.com",
        "https://localhost.evil.com",
        "https://127.0.0.1.evil.com",
        "https://evil.com/@localhost",
        "https://evil.com?@localhost",
        "https://evil.com#@localhost",
        "https://[::ffff:10.0.0.1]",
        "https://0.0.0.0",
        "https://16909060",
    ],
)
def test_names_that_only_look_like_loopback_are_not(text: str) -> None:
    assert not parse(text).loopback
    with pytest.raises(ValueError, match="must"):
        parse_endpoint(text.replace("https:", "http:"))


@pytest.mark.parametrize(
    "text",
    [
        "http://evil.com\\@localhost",
        "http:\\\\localhost",
        "http://local\thost",
        "http://localhost\n",
        " http://localhost",
        "http://loc%61lhost",
        "http://ｌocalhost",
        "http://127。0。0。1",
        "http://localhost%00.evil.com",
        "http://[::1%25lo]",
        "http://[::1",
        "http://::1",
        "http://256.0.0.1",
        "http://127.0.0.1.5",
        "http://089",
        "http://localhost..",
        "http://localhost:0",
        "http://localhost:99999",
        "http://localhost:８０",
        "http:///x",
        "http:localhost",
        "localhost:4318",
        "",
        "https://" + "a" * 3000,
    ],
)
def test_ambiguous_urls_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must") as error:
        parse(text)
    assert not text.strip() or text not in str(error.value)


@pytest.mark.parametrize(
    "text", ["https://u@h", "https://u:p@h", "https://h#x", "ftp://h", "file:///etc/passwd"]
)
def test_an_endpoint_has_no_user_and_no_other_scheme(text: str) -> None:
    for read in (parse_endpoint, parse_otlp_endpoint):
        with pytest.raises(ValueError, match="must"):
            read(text)


def test_an_endpoint_is_normalised() -> None:
    assert parse_endpoint("HTTPS://Example.COM./api/") == "https://example.com/api"
    assert parse_endpoint("http://127.1:8080") == "http://127.0.0.1:8080"
    assert parse_otlp_endpoint("http://otel-collector:4318/?a=b") == "http://otel-collector:4318?a=b"


def test_below_keeps_the_query_at_the_end() -> None:
    assert parse("https://h/ok/?k=v").below("/v1/traces").text == "https://h/ok/v1/traces?k=v"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:p@h:8/v1/traces?key=x", "https://h:8/v1/traces"),
        ("https://h/otlp/ab12cd34ef56/v1", "https://h/otlp/…/v1"),
        ("https://h/", "https://h"),
    ],
)
def test_a_shown_url_contains_no_key(text: str, shown: str) -> None:
    assert parse(text).shown == shown


def test_tls_verification_is_never_turned_off() -> None:
    words = ("CERT_NONE", "_create_unverified_context", "verify=False", "check_hostname = False")
    for path in PACKAGE.rglob("*.py"):
        assert not [word for word in words if word in path.read_text()], path
