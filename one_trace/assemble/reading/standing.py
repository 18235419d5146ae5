"""Where a reading stands. It has no behaviour: the modules of this room are given it, and change it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from one_trace.assemble.ground.choices import Choices
from one_trace.assemble.ground.executions import Execution
from one_trace.assemble.ground.ground import Go, Ground
from one_trace.assemble.ground.pairing import Pairings
from one_trace.assemble.ground.script import Script
from one_trace.assemble.reading.driven import DrivenLoop, LineClock
from one_trace.assemble.reading.expected import Expected
from one_trace.assemble.reading.pending import Notes, Pending
from one_trace.record.state import Result

Learned = Mapping[str, Result]
"""What the state turned out to say of silent executions, by path."""


class Known(Struct, frozen=True, eq=False):
    """What is known before a reading begins. `exact`: everything happens when it is due, and is written at
    once; `lenient`: what does not fit is placed all the same."""

    ground: Ground
    expected: Expected
    learned: Learned
    exact: bool
    lenient: bool


class Standing(Struct, eq=False):
    """`executions`: all so far, in order of their start; `running`: the one that the engine works on;
    `going`: the run, or the resume of it, that is read; `ending`: the leaf that the line in hand was found to
    end; `last`: the line taken last of what one end has led to: what follows from it stands after it."""

    known: Known
    choices: Choices
    script: Script
    clock: LineClock
    going: Go
    pairings: Pairings
    executions: list[Execution] = field(default_factory=list)
    running: Execution = field(default=None)  # type: ignore[assignment]  # set before it is read
    loop: DrivenLoop = field(default=None)  # type: ignore[assignment]  # set before it is read
    pending: Pending = field(default_factory=Pending)
    notes: Notes = field(default_factory=Notes)
    ending: Execution | None = None
    last: int = -1
