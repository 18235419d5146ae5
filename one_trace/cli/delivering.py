"""The result of a delivery as an error with the contract's exit code, for `trace sync` and `trace share`."""

from __future__ import annotations

from one_trace.deliver.retry import DeliveryError
from one_trace.errors import CliError, NetworkError, NotAuthorised


def as_error(undelivered: DeliveryError) -> CliError:
    """Exit code 5 for the network, 4 for not authorised, 1 for anything else."""
    kinds: dict[str, type[CliError]] = {"network": NetworkError, "refused": NotAuthorised}
    hint = undelivered.hint
    if hint is None and undelivered.kind == "network":
        hint = "It stays queued: 'one trace sync' tries again."
    kind = kinds.get(undelivered.kind)
    if kind is None:
        return CliError(undelivered.message, hint=hint, code="rejected")
    return kind(undelivered.message, hint=hint)
