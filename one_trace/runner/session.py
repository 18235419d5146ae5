"""One invocation: where it reports, the worker, and the run that it started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from one_trace.engine.failures import StepFailure
from one_trace.engine.schema import Json
from one_trace.runner.node import Process, environment
from one_trace.runner.output import Output
from one_trace.runner.run_log import to_json
from one_trace.runner.worker import Worker

if TYPE_CHECKING:
    from one_trace.record.files import RunFiles
    from one_trace.runner.execution import FlowRun

Document = dict[str, Any]


class CommandSession:
    """See the module."""

    agent = False
    cancels = False
    """Whether Ctrl-C ends the run; otherwise it only marks the run as paused."""
    canceled = False
    worker: Worker | None = None
    run: FlowRun | None = None

    def __init__(
        self,
        output: Output,
        run_id: str | None = None,
        *,
        traced: bool = False,
        process: Process | None = None,
    ) -> None:
        """`traced`: the run records the sizes of the steps' inputs. `process`: Node, if it has been started
        and no worker uses it yet."""
        self.output = output
        self.run_id = run_id
        self.traced = traced
        self._process = process

    def start_worker(self) -> Worker:
        """The worker, which boots while the caller goes on. Raises NoNode."""
        if self.worker is None:
            self.worker = Worker(environment(agent=self.agent), self._process)
            self._process = None
        return self.worker

    def close(self) -> None:
        """End what is running."""
        if self.run is not None:
            self.run.log.close()
        if self.worker is not None:
            self.worker.close()
        if self._process is not None:
            self._process.close()

    def refuse(self, message: str, **more: Json) -> int:
        """Report an error that kept the command from running; the exit code."""
        self.output.report({"error": message} | more)
        return 1

    def failed(self, error: str, more: Document) -> int:
        """Report that the run has failed; the exit code."""
        assert self.run is not None
        head = {"event": "workflow:result", "runId": self.run.run_id}
        self.output.report(head | more | {"status": "failed", "error": error})
        return 1

    def succeeded(self, head: Document, tail: Document, if_failed: Document) -> int:
        """Report the results, then wait for what the run has left behind; the exit code.

        `head` and `tail` stand before and after the results, `if_failed` is reported if they are not JSON.
        """
        assert self.run is not None
        if self.output.for_people or "outputFile" in head:
            self.output.report(head | tail)
        else:
            try:
                results: bytearray = self.run.worker.ask("results", self.run.context.number)
            except StepFailure as failure:
                return self.failed(failure.message, if_failed)
            end = "," + to_json(tail)[1:] if tail else "}"
            start = f'{to_json(head)[:-1]},"steps":'
            self.output.line(b"".join((start.encode(), results, end.encode())))
        self.run.drain()
        return 0

    def interrupted(self) -> None:
        """Ctrl-C: end the run and leave its record as it stands, or mark the run as paused."""
        assert self.run is not None
        if self.cancels:
            self.canceled = True
            self.run.worker.kill()  # the run notices when it next waits for the worker
        else:
            self.run.paused = True
            self.output.pausing(self.run.run_id)

    def files(self) -> RunFiles | None:
        """Where the run was recorded."""
        if self.run is None:
            return None
        from pathlib import Path

        from one_trace.record.files import RunFiles

        here, log = Path.cwd(), self.run.log
        return RunFiles(
            project=here,
            flow_key=self.run.flow_key,
            run_id=self.run.run_id,
            log=here / log.path,
            state=here / log.state_path,
            sizes=here / log.sizes_path if self.traced else None,
        )
