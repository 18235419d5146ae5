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
