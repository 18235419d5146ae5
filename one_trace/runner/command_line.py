"""Command lines of `flow execute|resume|validate|list`, parsed as One CLI does with Commander."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from one_trace.runner.did_you_mean import did_you_mean


class UsageError(Exception):
    """A command line that One CLI refuses, with its message; the exit code is 1."""


class Option(NamedTuple):
    """An option. `value` names its argument, if it has one."""

    long: str
    about: str
    short: str | None = None
    value: str | None = None

    @property
    def flags(self) -> str:
        names = f"{self.short}, {self.long}" if self.short else self.long
        return f"{names} <{self.value}>" if self.value else names


class Command(NamedTuple):
    """A subcommand of `flow`."""

    name: str
    about: str
    alias: str | None = None
    argument: str | None = None
    options: tuple[Option, ...] = ()

    @property
    def usage(self) -> str:
        name = f"{self.name}|{self.alias}" if self.alias else self.name
        return f"one flow {name} [options]" + (f" <{self.argument}>" if self.argument else "")


class Parsed(NamedTuple):
    """A parsed command line. `values`: the values of each given option, by its long name."""

    command: str
    argument: str | None = None
    agent: bool = False
    help: bool = False
    values: Mapping[str, list[str]] = MappingProxyType({})

    def has(self, long: str) -> bool:
        return long in self.values

    def last(self, long: str) -> str | None:
        """The last value of an option; None if it is empty or was not given."""
        return (self.values.get(long) or [""])[-1] or None


AGENT = Option("--agent", "")
VERSION = Option("--version", "", "-V")
HELP = Option("--help", "display help for command", "-h")
_DRY = "Resolve each step's interpolations and show what they evaluate to, without executing any step"
_STOP = "Execute steps up to and including <stepId>, then stop. With --dry-run, show what <stepId> would get"
_FILE = "Write the full result to a file instead of stdout"
COMMANDS = (
    Command(
        "execute",
        "Execute a workflow by key or file path",
        "x",
        "keyOrPath",
        (
            Option("--input", "Input parameter (repeatable)", "-i", "name=value"),
            Option("--dry-run", _DRY),
            Option("--mock", "With --dry-run: execute transforms/code with mock API responses"),
            Option("--stop-after", _STOP, value="stepId"),
            Option("--skip-validation", "Skip input validation against action schemas"),
            Option("--allow-bash", "Allow bash step execution (disabled by default for security)"),
            Option("--verbose", "Show each step as it runs", "-v"),
            Option("--output-file", _FILE, value="path"),
        ),
    ),
    Command("list", "List all workflows in .one/flows/", "ls"),
    Command("validate", "Validate a workflow JSON file", argument="keyOrPath"),
    Command("resume", "Resume a paused or failed workflow run", argument="runId"),
)
_GROUPS = ("flow", "f")
_LONG_WITH_VALUE = re.compile(r"--[^=]+=", re.DOTALL)


def parse(argv: Sequence[str]) -> Parsed:
    """Parse a command line. Raises UsageError."""
    root: dict[str, list[str]] = {}
    words, rest = _layer(argv, (AGENT, VERSION), root)
    if not words or words[0] not in _GROUPS:
        raise UsageError(f"error: unknown command '{words[0] if words else ''}'")
    # Only what a command did not know is parsed again by its subcommand: operands stay operands.
    more, rest = _layer(rest, (), {})
    words = [*words[1:], *more]
    if not words:
        return Parsed("flow", agent="--agent" in root, help=True)
    command = _command(words[0])
    values: dict[str, list[str]] = {}
    more, rest = _layer(rest, command.options, values)
    words = [*words[1:], *more]
    agent = "--agent" in root
    if any(word in ("-h", "--help") for word in rest):
        return Parsed(command.name, agent=agent, help=True)
    if rest:
        known = [option.long for option in (*command.options, HELP, AGENT, VERSION)]
        similar = did_you_mean(rest[0], known) if rest[0].startswith("--") else ""
        raise UsageError(f"error: unknown option '{rest[0]}'{similar}")
    _check_count(command, words)
    return Parsed(command.name, words[0] if words else None, agent=agent, values=values)


def ctrl_c_cancels(asked: Parsed) -> bool:
    """Whether Ctrl-C ends the run: One CLI's spinner does that, which `-v` has not."""
    return os.isatty(0) and (asked.command == "resume" or not asked.has("--verbose"))


def command_named(name: str) -> Command | None:
    """The command by name or alias."""
    return next((command for command in COMMANDS if name in (command.name, command.alias)), None)


def _command(word: str) -> Command:
    command = command_named(word)
    if command is None:
        known = [name for one in COMMANDS for name in (one.name, one.alias) if name]
        raise UsageError(f"error: unknown command '{word}'{did_you_mean(word, known)}")
    return command


def _check_count(command: Command, words: list[str]) -> None:
    wanted = 1 if command.argument else 0
    if len(words) < wanted:
        raise UsageError(f"error: missing required argument '{command.argument}'")
    if len(words) > wanted:
        s = "" if wanted == 1 else "s"
        expected = f"Expected {wanted} argument{s} but got {len(words)}."
        raise UsageError(f"error: too many arguments for '{command.name}'. {expected}")


def _layer(
    argv: Sequence[str], options: Sequence[Option], values: dict[str, list[str]]
) -> tuple[list[str], list[str]]:
    """Parse what belongs to one command: (operands, rest). Its own options may stand anywhere.

    From the first unknown option on, the rest is left to its subcommand.
    """
    names = {name: option for option in options for name in (option.short, option.long) if name}
    words: list[str] = []
    unknown: list[str] = []
    target = words
    left = list(argv)[::-1]
    while left:
        word = left.pop()
        if word == "--":
            target += ["--"] * (target is unknown) + left[::-1]
            break
        if not _take(word, left, names, values):
            if len(word) > 1 and word.startswith("-"):
                target = unknown
            target.append(word)
    return words, unknown


def _take(word: str, left: list[str], names: dict[str, Option], values: dict[str, list[str]]) -> bool:
    """Parse `word` as an option, with its value from `left` (reversed); False if it is not one of ours."""
    option = names.get(word) if len(word) > 1 and word.startswith("-") else None
    if option is not None:
        if option.value and not left:
            raise UsageError(f"error: option '{option.flags}' argument missing")
        values.setdefault(option.long, []).append(left.pop() if option.value else "")
        return True
    if len(word) > 2 and word[0] == "-" and word[1] != "-" and word[:2] in names:
        option = names[word[:2]]
        values.setdefault(option.long, []).append(word[2:] if option.value else "")
        if not option.value:
            left.append(f"-{word[2:]}")
        return True
    if _LONG_WITH_VALUE.match(word):
        name, value = word.split("=", 1)
        option = names.get(name)
        if option is not None and option.value:
            values.setdefault(option.long, []).append(value)
            return True
    return False
