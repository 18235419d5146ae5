"""argv as One CLI's own parser reads it: what is an option, what is a value, who answers."""

import pytest

from one_trace.host import argv as words

SPLITS = [
    ("flow execute k --trace", "flow execute k", True),
    ("flow execute --trace k", "flow execute k", True),
    ("--trace flow execute k", "flow execute k", True),
    ("flow --trace execute k", "flow execute k", True),
    ("--agent f x k -i a=1 --no-trace", "--agent f x k -i a=1", False),
    ("flow execute k --trace --no-trace", "flow execute k", False),
    ("flow execute k --no-trace --trace", "flow execute k", True),
    ("flow execute k -i a=1 --input b=2 -vi c=3", "flow execute k -i a=1 --input b=2 -vi c=3", None),
    ("flow execute k -i --trace", "flow execute k -i --trace", None),
    ("flow execute k --input --trace", "flow execute k --input --trace", None),
    ("flow execute k -vi --trace", "flow execute k -vi --trace", None),
    ("flow execute k -vi --trace --trace", "flow execute k -vi --trace", True),
    ("flow execute k -ia=1 --trace", "flow execute k -ia=1", True),
    ("flow execute k -iv --trace", "flow execute k -iv", True),
    ("flow execute k --input=a=1 --trace", "flow execute k --input=a=1", True),
    ("flow execute k --input= --trace", "flow execute k --input=", True),
    ("flow execute k --stop-after --trace", "flow execute k --stop-after --trace", None),
    ("flow execute k --stop-after s --trace", "flow execute k --stop-after s", True),
    ("flow execute k --output-file --no-trace --trace", "flow execute k --output-file --no-trace", True),
    ("flow execute k --dry-run --trace --mock", "flow execute k --dry-run --mock", True),
    ("flow execute k -- --trace", "flow execute k -- --trace", None),
    ("flow execute --trace -- k --no-trace", "flow execute -- k --no-trace", True),
    ("flow execute k -i -- --trace", "flow execute k -i --", True),
    ("flow execute k -i --agent --trace", "flow execute k -i --agent --trace", None),
    ("flow execute k -i --agent a=1 --trace", "flow execute k -i --agent a=1", True),
    ("flow execute k --trace=yes", "flow execute k --trace=yes", None),
    ("flow execute k --traces", "flow execute k --traces", None),
    ("flow execute - --trace", "flow execute -", True),
    ("flow resume 123 --trace", "flow resume 123", True),
]


@pytest.mark.parametrize(("given", "rest", "traced"), SPLITS)
def test_our_flags_are_removed_and_values_kept(given, rest, traced):
    assert words.split(given.split()) == (rest.split(), traced, [])


TAGS = [
    ("flow execute k --trace-tag a=b", "flow execute k", ["a=b"]),
    ("--trace-tag a=b flow execute k", "flow execute k", ["a=b"]),
    ("flow --trace-tag=a=b execute --trace-tag c=d k", "flow execute k", ["a=b", "c=d"]),
    ("flow execute k --trace-tag --agent a=b -i x=1", "flow execute k --agent -i x=1", ["a=b"]),
    ("flow execute k --trace-tag --trace", "flow execute k", ["--trace"]),
    ("flow execute k --trace-tag", "flow execute k", [""]),
    ("flow execute k --trace-tag=", "flow execute k", [""]),
    ("flow execute k -i --trace-tag a=b", "flow execute k -i --trace-tag a=b", []),
    ("flow execute k -- --trace-tag a=b", "flow execute k -- --trace-tag a=b", []),
    ("flow execute k --trace-tags a=b", "flow execute k --trace-tags a=b", []),
]


@pytest.mark.parametrize(("given", "rest", "tags"), TAGS)
def test_tags_are_removed_from_what_the_host_gets(given, rest, tags):
    assert words.split(given.split()) == (rest.split(), None, tags)


@pytest.mark.parametrize(
    ("given", "first"),
    [
        ("flow execute k", ["flow", "execute", "k"]),
        ("--agent flow --agent execute", ["flow", "execute"]),
        ("--trace flow list", ["flow", "list"]),
        ("--trace-tag a=b flow --trace-tag=c=d execute", ["flow", "execute"]),
        ("flow -x execute", ["flow"]),
        ("-- flow execute", []),
        ("--unknown flow", []),
        ("", []),
    ],
)
def test_the_command_ends_at_an_unknown_option(given, first):
    assert words.first_words(given.split()) == first


@pytest.mark.parametrize(
    ("given", "agent", "rest"),
    [
        ("trace show --agent", True, "trace show"),
        ("--agent trace show", True, "trace show"),
        ("trace show -- --agent", False, "trace show -- --agent"),
        ("trace show", False, "trace show"),
    ],
)
def test_agent_may_stand_anywhere_before_the_dashes(monkeypatch, given, agent, rest):
    monkeypatch.delenv("ONE_AGENT", raising=False)
    assert words.is_agent(given.split()) is agent
    assert words.without_agent(given.split()) == rest.split()


@pytest.mark.parametrize(("value", "agent"), [("1", True), ("0", False), ("true", False), ("", False)])
def test_one_agent_counts_as_the_host_counts_it(monkeypatch, value, agent):
    monkeypatch.setenv("ONE_AGENT", value)
    assert words.is_agent(["trace"]) is agent


@pytest.mark.parametrize(
    ("given", "page"),
    [
        ("--help", ""),
        ("-h", ""),
        ("help", ""),
        ("--agent help", ""),
        ("help flow", None),
        ("flow --help", "flow"),
        ("f -h", "flow"),
        ("flow list --help", None),
        ("flow execute --help", "flow execute"),
        ("flow x k -vh", "flow execute"),
        ("flow x k -hv", None),
        ("--agent flow execute k -i a=1 -h", "flow execute"),
        ("flow execute k -i --help", None),
        ("flow execute k --output-file -h", None),
        ("flow execute k -- --help", None),
        ("flow resume --help", "flow resume"),
        ("config --help", "config"),
        ("config path --help", None),
    ],
)
def test_the_pages_of_help_that_we_add_to(given, page):
    args = given.split()
    assert words.help_page(args, words.first_words(args)) == page
