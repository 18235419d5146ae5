"""Help pages: one screen each, and the last thing on them are lines that can be typed."""

import pytest

from one_trace.cli.app import VERBS

PAGES = ["trace", "config", *(f"trace {verb}" for verb in VERBS)]
PAGES += [f"config {verb}" for verb in ("set", "get", "unset", "list")]
ROWS, COLUMNS = 24, 80


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_screen_and_ends_with_two_examples(machine, page):
    machine.env["COLUMNS"] = str(COLUMNS)
    done = machine.one(*page.split(), "--help")
    lines = done.out.decode().rstrip("\n").split("\n")
    assert (done.code, done.err) == (0, b"")
    assert len(lines) <= ROWS
    assert max(map(len, lines)) <= COLUMNS
    assert lines[2].startswith("  "), "after the usage, what it answers"
    assert lines[-3] == "  Examples:"
    assert all(line.startswith("    one ") for line in lines[-2:])


@pytest.mark.parametrize("page", PAGES)
def test_its_examples_are_read_by_the_program(machine, page):
    """They name options that exist: an example that is a wrong call ends with 2."""
    import click

    from one_trace.cli.completions import one

    text = machine.one(*page.split(), "--help").out.decode()
    for line in text.rstrip("\n").split("\n")[-2:]:
        words = line.split("<")[0].split()[1:]
        command, args = one, words
        while isinstance(command, click.Group):
            context = command.make_context("one", list(args), resilient_parsing=True)
            protected = "_protected_args" if hasattr(context, "_protected_args") else "protected_args"  # 8.1
            args = [*getattr(context, protected), *context.args]
            assert args, line
            command, args = command.get_command(context, args[0]), args[1:]
            assert command, line
        command.make_context("one", list(args))


ADDED = {
    "--help": "one trace show",
    "flow --help": "one flow execute <key> --trace",
    "flow execute --help": "--no-trace",
    "flow x k -i a=1 -h": "--no-trace",
    "flow resume --help": "--no-trace",
    "config --help": "one config set traces.<key> <value>",
}


@pytest.mark.parametrize(("line", "ours"), ADDED.items())
@pytest.mark.parametrize("enabled", ["false", "true"])
def test_the_hosts_help_is_whole_and_ours_follows(machine, line, ours, enabled):
    machine.env["ONE_TRACES_ENABLED"] = enabled
    machine.host("import sys\nprint('HOST HELP', sys.argv[1:])\nsys.stderr.write('aside')")
    done = machine.one(*line.split())
    host, _, added = done.out.decode().partition("\n")
    assert host == f"HOST HELP {line.split()}"
    assert ours in added
    assert (done.code, done.err) == (0, b"aside")


@pytest.mark.parametrize("line", ADDED)
def test_a_host_that_fails_to_help_keeps_its_exit_code(machine, line):
    machine.host("import sys\nprint('sorry')\nsys.exit(3)")
    done = machine.one(*line.split())
    assert (done.code, done.out) == (3, b"sorry\n")


@pytest.mark.parametrize("line", [*ADDED, "help flow", "help flow execute", "help config", "help trace"])
def test_help_without_a_host_is_ours(machine, line):
    done = machine.one(*line.split())
    assert (done.code, done.err) == (0, b"")
    assert b"Usage: one" in done.out


@pytest.mark.parametrize("line", ["help trace", "help trace show"])
def test_help_trace_is_the_help_of_trace(machine, line):
    machine.host("raise SystemExit('the host knows no trace')")
    done = machine.one(*line.split())
    assert done.out == machine.one(*line.split()[1:], "--help").out
    assert (done.code, done.err) == (0, b"")


MISTYPED = {
    "flow exceute k": "one flow execute",
    "f lst": "one flow list",
    "config lst": "one config list",
    "trce show": "one trace",
    "lst": "one list",
    "config rest": None,
    "config unst": None,
    "logut": None,
    "flow runs": None,
    "list": None,
    "zzzz": None,
}


@pytest.mark.parametrize(("line", "meant"), MISTYPED.items())
def test_a_mistyped_command_without_a_host_names_what_was_meant(machine, line, meant):
    done = machine.one(*line.split())
    assert (done.code, done.out) == (127, b"")
    assert done.err.count(b"\n") == 1
    assert b"npm install -g @withone/cli" in done.err
    suggested = done.err.decode().partition("did you mean `")[2].partition("`")[0]
    assert (suggested or None) == meant
    assert machine.one("--agent", *line.split()).document["error"]["code"] == "no-host"
