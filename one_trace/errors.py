"""The errors that users see. Each says what happened, to what, and what to do next."""

DONE = 0
FAILED = 1
USAGE = 2
NO_SUCH_RUN = 3
NOT_AUTHORISED = 4
NETWORK = 5
NOT_FOUND = 127
"""A foreign verb, and no host."""


BROKEN = (Exception, SystemExit)
"""What a broken package can raise when it is imported or called. Only for the boundaries around tracing,
whose failures must never reach the run.
"""


class CliError(Exception):
    """An error that the user can act on.

    `code`: stable, in kebab-case, for scripts. `message`: one line, what happened to what. `hint`: one line,
    what to do next. `fix`: the command that does it, where the hint is more than a command.
    """

    exit_code: int = FAILED
    code: str = "failed"

    def __init__(
        self, message: str, *, hint: str | None = None, code: str | None = None, fix: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.fix = fix
        if code is not None:
            self.code = code


class WrongUsage(CliError):
    exit_code = USAGE
    code = "wrong-usage"


class NoSuchRun(CliError):
    exit_code = NO_SUCH_RUN
    code = "no-such-run"


class NotAuthorised(CliError):
    exit_code = NOT_AUTHORISED
    code = "not-authorised"


class NetworkError(CliError):
    exit_code = NETWORK
    code = "network"


class HostNotFound(CliError):
    exit_code = NOT_FOUND
    code = "no-host"


class SettingsError(CliError):
    """`keys`: the settings (without `traces.`) that may not have the intended value because of this."""

    exit_code = USAGE
    code = "settings"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        fix: str | None = None,
        keys: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(message, hint=hint, code=code, fix=fix)
        self.keys = keys


class StoreError(CliError):
    """A problem of the store. `passes`: it will go away by itself, so there is nothing to fix."""

    code = "store"

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        code: str | None = None,
        fix: str | None = None,
        passes: bool = False,
    ) -> None:
        super().__init__(message, hint=hint, code=code, fix=fix)
        self.passes = passes

    @property
    def hint_for_run(self) -> str:
        """The hint for a run that could not be stored. It never says to run the flow again."""
        if self.passes or not self.hint:
            return "one trace import"
        return self.hint if "one trace import" in self.hint else f"{self.hint} Then: one trace import"


class RecordError(CliError):
    """A record too damaged for even a partial run."""

    code = "record"
