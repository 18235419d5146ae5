"""Runs whose true tree is known, on a virtual clock, for tests of the assembler.

`run_for_truth` runs a flow with the built-in runner, which leaves a record, and returns what really
happened: which step ran in which attempt, iteration and branch of which other step, and how it ended. None
of this is read from the record, so a trace of the record can be compared with it.

    record, truth = run_for_truth(project, {"main": flow, "sub": other}, "main", behaviour=table)
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from one_trace.engine.call import Call, RunOptions
from one_trace.engine.failures import StepFailure
from one_trace.engine.loop import Clock
from one_trace.engine.observer import Place
from one_trace.engine.virtual import VirtualClock
from one_trace.record.files import RunFiles
from one_trace.runner.execution import FlowRun
from one_trace.runner.input_sizes import InputSizes
from one_trace.runner.loading import load
from one_trace.runner.run_log import new_run_id
from one_trace.runner.run_state import Save
from one_trace.runner.worker import Worker
from tests.true_tree import LEAVES, Behaviour, Killed, TreeRecorder, TrueSpan

if TYPE_CHECKING:
    from one_trace.engine.values import Handle

__all__ = ["LEAVES", "Behaviour", "TrueSpan", "Truth", "VirtualClock", "run_for_truth", "shared_worker"]

T = TypeVar("T")
Table = Callable[[dict[str, Any], int, int], Behaviour | None]
"""Maps a step, the number of its earlier starts in this run and the attempt to the behaviour of its body.
None: the step's own body runs.
"""


class Truth(TypedDict):
    """What really happened in a run. `status` has the trace document's values."""

    runId: str
    flowKey: str
    status: str
    startedMs: int
    endedMs: int
    resumes: int
    spans: list[TrueSpan]


class TooLarge(Exception):
    """A result has more values than the caller allows. A loop's result holds copies of all earlier results:
    after several loops the state fits in no string, which takes a minute to find out."""


class Unsaveable(Exception):
    """The state holds a value that cannot be saved. The host fails the step after which it tries to save
    it."""


class Recorder(TreeRecorder):
    """Records the true tree of a run, with the sizes of what its steps made and, if asked, were given."""

    def __init__(
        self,
        root: str,
        worker: Worker,
        behaviour: Table | None = None,
        *,
        resume: int = 0,
        sizes: bool = False,
        largest: int | None = None,
        saves: Save = "at the ends",
    ) -> None:
        super().__init__(root, resume=resume)
        self._sizes = InputSizes(worker) if sizes else None
        self._largest = largest
        self._saves = saves
        self._worker = worker
        self._behaviour = behaviour
        self._seen: Counter[str] = Counter()

    def begin(self, step: dict[str, Any], flow_key: str, place: Place, index: int, *, events: bool) -> int:
        number = super().begin(step, flow_key, place, index, events=events)
        if self._sizes is not None:
            assert self._sizes.begin(step, flow_key, place, index, events=events) == number
        return number

    def resolves(self, span: int, attempt: int, step: dict[str, Any], context: Handle) -> None:
        noted = self.spans[span - 1]
        if self._sizes is not None and attempt == noted["attempts"] and not self.has_ended(span):
            noted["inputBytes"] = self._worker.ask("inputBytes", context.number, self._worker.step(step))
        if self._sizes is not None:
            self._sizes.resolves(span, attempt, step, context)

    def end(
        self, span: int, status: str, result: Handle | None = None, failure: StepFailure | None = None
    ) -> None:
        super().end(span, status, result, failure)
        noted = self.spans[span - 1]
        if result is not None and status == "success":
            if self._largest is not None and noted["type"] not in LEAVES:
                self._weigh(result)
            try:
                noted["outputBytes"] = self._worker.ask("size", result.number)
            except StepFailure as failure:
                if self._saves == "at the ends":
                    raise Unsaveable from failure
        if self._sizes is not None:
            self._sizes.end(span, status)

    def _weigh(self, result: Handle) -> None:
        if self._worker.ask("weigh", result.number) > self._largest:
            raise TooLarge

    def behaviour_of(self, call: Call) -> Behaviour | None:
        if self._behaviour is None or call.step.get("type") not in LEAVES:
            return None
        step_id = str(call.step.get("id"))
        if call.attempt == 1:
            self._seen[step_id] += 1
        return self._behaviour(call.step, self._seen[step_id] - 1, call.attempt)


_shared: list[Worker] = []


def shared_worker() -> Worker:
    """The worker shared by all runs of this process, started on first use."""
    if not _shared:
        worker = Worker()
        worker.ready()
        _shared.append(worker)
    return _shared[0]


def forget_worker() -> None:
    """Close the worker after an aborted run, whose leftovers are unknown. The next run starts another
    one."""
    while _shared:
        _shared.pop().close()


def run_for_truth(
    project: Path,
    flows: Mapping[str, Any],
    main: str,
    *,
    inputs: list[str] | None = None,
    behaviour: Table | Mapping[str, Behaviour] | None = None,
    options: RunOptions | None = None,
    clock: Clock | None = None,
    kill_after: int | None = None,
    worker: Worker | None = None,
    sizes: bool = False,
    largest: int | None = None,
) -> tuple[RunFiles, Truth]:
    """Write `flows` (by key) into `project` and run `main`. Returns the files of its record and what really
    happened.

    `inputs` are ``name=value``. `behaviour` replaces the bodies of leaf steps, by step id or by a function;
    10,000 such steps take a second or two. The clock is virtual unless one is given. `kill_after`: kill the
    run after that many events. `sizes`: record the input sizes of steps, as a traced run does, and return
    them. `largest`: raise TooLarge if a result has more values. Flows are not validated. Not thread-safe:
    the working directory changes during the run."""
    for key, flow in flows.items():
        folder = project / ".one" / "flows" / key
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "flow.json").write_text(json.dumps(flow), encoding="utf-8")
    saves: Save = "at the ends" if kill_after is None else "after every step"

    def attempt(saves: Save) -> tuple[RunFiles, Truth]:
        ours = worker or shared_worker()
        with inside(project, ours):
            loaded = load(main, str)
            key, table = str(loaded.flow["key"]), _table(behaviour)
            recorder = Recorder(key, ours, table, sizes=sizes, largest=largest, saves=saves)
            run = FlowRun(
                ours,
                loaded,
                new_run_id(),
                _killer(kill_after),
                clock=clock or VirtualClock(),
                observer=recorder,
                options=options,
                save=saves,
                traced=sizes,
                body=recorder.body,
            )
            recorder.clock = run.loop.clock
            run.start(inputs or [])
            return record_of(project, run), finish(run, recorder)

    def undo() -> None:
        for left in (".logs", ".runs", ".sizes"):
            shutil.rmtree(project / ".one" / "flows" / left, ignore_errors=True)

    return _as_saved(attempt, saves, undo)


def _as_saved(attempt: Callable[[Save], T], saves: Save, undo: Callable[[], None]) -> T:
    """The result of `attempt`. If a value cannot be saved, the attempt is undone and repeated, saving after
    every step as the host does."""
    try:
        return attempt(saves)
    except Unsaveable:
        forget_worker()
        undo()
        return attempt("after every step")


def _table(behaviour: Table | Mapping[str, Behaviour] | None) -> Table | None:
    if isinstance(behaviour, Mapping):
        known = behaviour
        return lambda step, _before, _attempt: known.get(step["id"])
    return behaviour


def _killer(after: int | None) -> Callable[[dict[str, Any], str], None]:
    left = after

    def on_event(_event: dict[str, Any], _text: str) -> None:
        nonlocal left
        if left is None:
            return
        left -= 1
        if left <= 0:
            raise Killed

    return on_event


def finish(run: FlowRun, recorder: Recorder, resumes: int = 0) -> Truth:
    """Run what has been started, or is to be resumed, to its end."""
    started = run.loop.clock.now_ms()
    try:
        ended = run.execute()
        if ended.error is None:
            run.state.save = "after every step"  # what goes on is in the state as far as it has completed
            run.drain(last=False)
        status = "error" if ended.error is not None else "stopped" if ended.stopped else "success"
        run.end_sizes()
    except Killed:
        status = "incomplete"
    finally:
        run.log.close()
        run.worker.forget_steps()
    recorder.settle()
    return {
        "runId": run.run_id,
        "flowKey": run.flow_key,
        "status": status,
        "startedMs": started,
        "endedMs": run.loop.clock.now_ms(),
        "resumes": resumes,
        "spans": recorder.spans,
    }


def record_of(project: Path, run: FlowRun) -> RunFiles:
    return RunFiles(
        project=project,
        flow_key=run.flow_key,
        run_id=run.run_id,
        log=project / run.log.path,
        state=project / run.log.state_path,
        sizes=project / run.log.sizes_path,
    )


@contextmanager
def inside(folder: Path, worker: Worker) -> Iterator[None]:
    """Work in a folder, the worker too."""
    before = Path.cwd()
    os.chdir(folder)
    worker.tell("chdir", str(folder))
    try:
        yield
    finally:
        os.chdir(before)


def resume_for_truth(
    record: RunFiles,
    earlier: Truth,
    *,
    behaviour: Table | Mapping[str, Behaviour] | None = None,
    clock: Clock | None = None,
    worker: Worker | None = None,
    sizes: bool = False,
    largest: int | None = None,
) -> Truth:
    """Resume a failed run. Returns what happened in all of its runs: spans of the nth resume have
    ``resume`` = n."""
    resumes = earlier["resumes"] + 1
    files = (record.log, record.state, record.sizes)
    kept = {path: path.read_bytes() for path in files if path is not None and path.exists()}

    def attempt(saves: Save) -> Truth:
        ours = worker or shared_worker()
        with inside(record.project, ours):
            loaded = load(record.flow_key, str)
            key, table = record.flow_key, _table(behaviour)
            recorder = Recorder(key, ours, table, resume=resumes, sizes=sizes, largest=largest, saves=saves)
            run = FlowRun(
                ours,
                loaded,
                record.run_id,
                _killer(None),
                clock=clock or VirtualClock(earlier["endedMs"] + 1000),
                observer=recorder,
                save=saves,
                traced=sizes,
                body=recorder.body,
            )
            recorder.clock = run.loop.clock
            run.resume()
            return finish(run, recorder, resumes)

    def undo() -> None:
        for path, data in kept.items():
            path.write_bytes(data)

    truth = _as_saved(attempt, "at the ends", undo)
    offset = len(earlier["spans"])
    for span in truth["spans"]:
        span["span"] += offset
        if span["parent"] is not None:
            span["parent"] += offset
    truth["spans"] = [*earlier["spans"], *truth["spans"]]
    truth["startedMs"] = earlier["startedMs"]
    return truth
