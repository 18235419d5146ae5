"""`trace list` as a person calls it: which runs, in which order, in colour or not."""

import pytest

CASES = ("02-linear-unicode", "18-three-level", "21-bash-envelope", "25-timeout-fail")


@pytest.fixture
def several(machine):
    """A machine with one run of each case, the last case's the newest."""
    for case in CASES:
        machine.player(case, at=None)
        assert machine.one("--agent", "flow", "execute", "k", "--trace").saved
    return machine


def rows(machine, *options):
    return machine.one("--agent", "trace", "list", *options).document["runs"]


def values(found, name):
    return [row[name] for row in found]


@pytest.mark.parametrize(
    ("order", "field"),
    [("duration", "durationMs"), ("steps", "spans"), ("failed", "failed"), ("retries", "retries")],
)
def test_sort_puts_the_greatest_first(several, order, field):
    found = rows(several, "--sort", order)
    assert values(found, field) == sorted(values(found, field), reverse=True)
    assert len(found) == len(CASES)


def test_sorted_pages_have_each_run_once(several):
    first = several.one("--agent", "trace", "list", "--sort", "duration", "-n", "2").document
    cursor = first["omitted"]["cursor"]
    rest = rows(several, "--sort", "duration", "-n", "2", "--cursor", cursor)
    assert [*first["runs"], *rest] == rows(several, "--sort", "duration")


def test_until_is_the_end_of_a_range(several):
    found = rows(several)
    middle = found[1]["startedAt"]
    assert rows(several, "--since", middle) == [row for row in found if row["startedAt"] >= middle]
    assert rows(several, "--until", middle) == [row for row in found if row["startedAt"] < middle]
    assert rows(several, "--since", middle, "--until", middle) == []


def test_n_is_limit(several):
    lines = several.one("trace", "list", "-n", "2").out.decode().splitlines()
    assert len(lines) == 4
    assert lines[-1].startswith("2 more")


COLOURS = (
    ({}, False),
    ({"FORCE_COLOR": "1"}, True),
    ({"FORCE_COLOR": "0", "CLICOLOR_FORCE": "1"}, False),
    ({"CLICOLOR_FORCE": "1"}, True),
    ({"CLICOLOR_FORCE": "0"}, False),
    ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True),
    ({"NO_COLOR": "1", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}, False),
)


def test_the_environment_decides_about_colour_in_a_pipe(machine):
    machine.player(CASES[0], at=None)
    assert machine.one("--agent", "flow", "execute", "k", "--trace").saved
    for env, colored in COLOURS:
        assert (b"\x1b[" in machine.one("trace", "list", env=env).out) is colored, env
