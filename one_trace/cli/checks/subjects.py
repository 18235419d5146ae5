"""Runs the checks: those that wait for a program or a server at the same time, and none of them for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from threading import Thread
from typing import NamedTuple

from one_trace.answers.reports import Check
from one_trace.errors import BROKEN, CliError

MOST_S = 12.0
"""How long doctor waits for programs and servers. Each has a shorter limit of its own, but a look-up of a
name cannot be interrupted."""


class Subject(NamedTuple):
    """A subject and its checks. `waits`: for programs or servers."""

    name: str
    findings: Callable[[], Iterable[Check]]
    waits: bool = False


def look_at(subjects: Sequence[Subject], most_s: float = MOST_S) -> list[Check]:
    """The findings about all subjects, in their order."""
    found: dict[str, list[Check]] = {}

    def look(subject: Subject) -> None:
        found[subject.name] = _findings(subject)

    until = time.monotonic() + most_s
    workers = [Thread(target=look, args=[subject], daemon=True) for subject in subjects if subject.waits]
    for worker in workers:
        worker.start()
    for subject in subjects:
        if not subject.waits:
            look(subject)
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
    late = "not checked: there was no answer within {most_s:g} s"
    return [
        check
        for subject in subjects
        for check in found.get(subject.name, [Check(subject.name, "bad", late.format(most_s=most_s))])
    ]


def _findings(subject: Subject) -> list[Check]:
    """The findings of a check. If it fails, that is its finding, and the other checks are made."""
    findings = []
    try:
        for check in subject.findings():
            findings.append(check)  # one by one: what was found before it failed is kept
    except CliError as error:
        findings.append(Check(subject.name, "bad", error.message, error.fix or error.hint))
    except BROKEN as error:  # this command is for when something is broken
        reason = "" if subject.waits else f": {error}"  # what a library says of a request may quote a key
        wrong = f"this could not be checked: {type(error).__name__}{reason}"
        findings.append(Check(subject.name, "bad", wrong))
    return findings
