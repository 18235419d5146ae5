"""Where traced runs are sent, and which of them are still to be delivered."""

from __future__ import annotations

from collections.abc import Iterator

from one_trace.answers.reports import Check
from one_trace.errors import CliError
from one_trace.settings import sources


def sinks() -> Iterator[Check]:
    """Every sink that is ready, with its address. Nothing is sent only if there is none."""
    from one_trace.deliver.retry import DeliveryError
    from one_trace.deliver.sinks import SINKS, make, ready

    values = sources.load()
    doubt = values.doubt(*sources.DELIVERY)
    if doubt is not None:
        yield Check("sinks", "note", f"nothing is sent until this is fixed: {doubt.message}", doubt.hint)
        return
    when = "" if values.upload == "auto" else ", by `one trace sync` only (traces.upload is manual)"
    names = ready(values)
    for name in names:
        try:
            url = make(name, values).server().url.shown
        except (CliError, DeliveryError) as error:
            yield Check("sinks", "bad", f"nothing can be sent to {name}: {error.message}", error.hint)
        else:
            yield Check("sinks", "ok", f"traced runs are sent to {name} ({url}){when}")
    for name in values.sinks:
        if name not in names and name != "traces.com":  # a finding of the check of the key
            missing = SINKS[name].missing
            yield Check("sinks", "note", f"nothing is sent to {name}: {missing.message}", missing.hint)
    if not names:
        yield Check("sinks", "note", "no sink is ready: nothing is sent")
