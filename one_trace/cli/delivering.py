"""What `trace sync` and `trace share` have in common: what became of a delivery, as the contract's exit
codes.
"""

from __future__ import annotations

from one_trace.deliver.retry import Undelivered
from one_trace.errors import NetworkTrouble, NotAuthorised, Trouble


def as_trouble(undelivered: Undelivered) -> Trouble:
    """Network: 5, not authorised: 4, anything else: 1."""
    kinds: dict[str, type[Trouble]] = {"network": NetworkTrouble, "refused": NotAuthorised}
    hint = undelivered.hint
    if hint is None and undelivered.kind == "network":
        hint = "It stays queued: 'one trace sync' tries again."
    kind = kinds.get(undelivered.kind)
    if kind is None:
        return Trouble(undelivered.message, hint=hint, code="rejected")
    return kind(undelivered.message, hint=hint)
