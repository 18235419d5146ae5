"""What `trace sync` and `trace share` have in common: what became of a delivery, as the contract's exit
codes.
"""

from __future__ import annotations

from one_trace.deliver.retry import DeliveryError
from one_trace.errors import CliError, NetworkError, NotAuthorised


def as_error(undelivered: DeliveryError) -> CliError:
    """Network: 5, not authorised: 4, anything else: 1."""
    kinds: dict[str, type[CliError]] = {"network": NetworkError, "refused": NotAuthorised}
    hint = undelivered.hint
    if hint is None and undelivered.kind == "network":
        hint = "It stays queued: 'one trace sync' tries again."
    kind = kinds.get(undelivered.kind)
    if kind is None:
        return CliError(undelivered.message, hint=hint, code="rejected")
    return kind(undelivered.message, hint=hint)
