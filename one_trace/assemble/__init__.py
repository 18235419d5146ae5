"""A record becomes a run with its spans: the engine runs the flow again, and the log says what happens next.

There is one engine, and here it is the proposer. It knows what starts what, what waits, what a time-out, a
retry, a failure or a stop does, and in which order. What it cannot know is which leaf ends next: that is what
the next line of the log says. So a reading is a run in which each leaf waits until a line ends it, on a clock
that stands at the line in hand.

1. Propose: `drive` begins the engine. When nothing is left to do and the next line (`script`) has not come,
   something must happen (`happen`): a leaf of this step ends, a timer goes off, the file of a sub-flow is
   read, something silent, a child of a parallel block without lines, is over (`silence`). How well a line
   fits what waits, `fit` says; of several that fit alike one is a Choice (`choices`). What the host
   evaluated, `decisions` sees by what follows. What the engine emits must stand in the log, in order
   (`emitted`); else that is a Conflict, and names the executions to blame.
2. Check: `maps` does with executions what the host does with results: keeps, copies, merges, overwrites. In
   the end the result at each place of the state is that of a known execution (`settle`), or the reading is
   wrong. What the state says before the end (`expected`) is a guess that is confirmed or refuted so.
3. Search: a reading that is refuted (`readings`) is tried again with two executions in each other's place, or
   with a choice made otherwise in which the blamed had a part. Bounded by readings and by lines (`search`).
4. Agree: each choice among candidates that fit alike is made otherwise once. Where that reading stands as
   well, what differs is `derived` (`agree`). What is silent may be uncertain in itself (`doubts`).
5. Tolerate: where nothing is found, the best reading goes on, and `tolerant` places the lines that it cannot
   explain by the flow files alone. All that may be otherwise says so.

A reading is what it starts from (`Known`), where it is (`Standing`, which has no behaviour) and its choices;
each module is given those. `watch`, `emitted`, `leaves`, `followed` and `driven` are what the engine is given
in place of the world. All readings share `ground`: the record, its `flows`, what is `stored` in its state,
and the readings that were `tried`. `executions` are what ran; `spans/` says it in the trace's words.

README.md in this folder has the rooms, and what no reading can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from one_trace.assemble.ground.ground import Ground
from one_trace.assemble.search.agree import agree
from one_trace.assemble.search.readings import Reading
from one_trace.assemble.search.search import find_reading
from one_trace.assemble.spans.document import assembly_of
from one_trace.model.gc import held_back, keep_for_good
from one_trace.model.trace import Assembly
from one_trace.record.reading import Record


def assemble(
    record: Record,
    outputs_of: Collection[str] = (),
    tell: Callable[[Reading], None] | None = None,
    *,
    ending: bool = False,
) -> Assembly:
    """The run that a record is of. `outputs_of`: ids of spans whose outputs are wanted; `tell`: called with
    the reading; `ending`: this process ends soon, and memory that is given back would only take time."""
    with held_back():
        return _assemble(record, outputs_of, tell, ending=ending)


def _assemble(
    record: Record,
    outputs_of: Collection[str],
    tell: Callable[[Reading], None] | None,
    *,
    ending: bool,
) -> Assembly:
    # A function of its own: what it leaves is let go before garbage is collected again.
    ground, reading = read_through(record)
    if tell is not None:
        tell(reading)
    if ending:
        keep_for_good((ground, reading))
    return assembly_of(ground, reading, outputs_of)


def read_through(record: Record) -> tuple[Ground, Reading]:
    """The reading that is taken, and what all that were tried share."""
    ground = Ground(record)
    reading = find_reading(ground)
    agree(ground, reading)
    return ground, reading
