"""What is shown of a span, and what of it and of attempts of containers is not certain."""

from __future__ import annotations

from one_trace.record.state import Result


class ShownSpan:
    """What is shown of a span, and what of that is not certain."""

    __slots__ = (
        "assumed",
        "born",
        "doubtful",
        "duration",
        "either_end",
        "error",
        "host_ms",
        "result",
        "shared_result",
        "status",
        "unsure_attempts",
        "unsure_end",
    )

    def __init__(self) -> None:
        self.status = ""
        self.duration: float | None = None
        self.host_ms: float | None = None
        """What the executor says that it lasted, where its clock was set back meanwhile."""
        self.error: str | None = None
        self.result: Result | None = None
        self.born = True
        self.assumed = False
        """It must have run, if the unlogged block that it is in succeeded; nothing else was seen of it."""
        self.doubtful = False
        """Another iteration may be in its place."""
        self.shared_result = False
        """Another step of the same id, in a sub-flow that was not validated, wrote its result after it."""
        self.unsure_attempts = False
        """How often it was tried is not certain."""
        self.unsure_end = False
        """What ended it may have ended one that began at another time, as far as times are exact."""
        self.either_end = False
        """What ended it may have ended another step with its id."""

    @property
    def reported_status(self) -> str:
        """Its status in the executor's word, as it stands in the state."""
        return "failed" if self.status == "error" else self.status

    @property
    def reported_ms(self) -> float | None:
        """Its duration as it stands in the log and in the state."""
        return self.duration if self.host_ms is None else self.host_ms


class UnsureAttempt:
    """What is not certain of an attempt of a container."""

    __slots__ = ("astray", "batch", "doubtful", "either", "ended_either", "iteration")

    def __init__(self) -> None:
        self.doubtful = False
        """It may be another's that runs alike: see `doubts`."""
        self.astray = False
        """It may be another step's: the record does not tell whether the one before it was skipped."""
        self.either = False
        """A condition of which the record does not tell which of its sides it has run."""
        self.iteration = False
        """Its next iteration may be another loop's, which began a little earlier or later."""
        self.batch = False
        """Its next batch may be another block's."""
        self.ended_either = -1
        """The last line that may have ended its step, or another that runs alike."""
