"""The user's own patterns (`traces.redact`), applied to all that leaves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from one_trace.errors import CliError
from one_trace.guard.text import valid
from one_trace.outbound.names import Redact
from one_trace.outbound.redact import REDACTED

_WORKER = Path(__file__).with_name("pattern_worker.py")
_TIMEOUT_S = 2.0
_HINT = "Change traces.redact: nothing is sent meanwhile."
_texts = msgspec.json.Decoder(list[str])
_Made = TypeVar("_Made")


def masked(make: Callable[[Redact], _Made], patterns: Sequence[str]) -> _Made:
    """What `make` makes with a mask that replaces what the patterns match. It is called twice: first to learn
    which texts there are. Raises CliError if the patterns take longer than two seconds.
    """
    texts: dict[str, None] = {}

    def learn(text: str) -> str:
        texts[text] = None
        return text

    made = make(learn)
    if not texts:
        return made
    known = dict(zip(texts, _replaced(patterns, list(map(valid, texts))), strict=True))
    return make(known.__getitem__)


def _replaced(patterns: Sequence[str], texts: list[str]) -> list[str]:
    asked = msgspec.json.encode({"patterns": patterns, "texts": texts, "put": REDACTED})
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(_WORKER)],
            input=asked,
            capture_output=True,
            env={"PYTHONUTF8": "1"},
            timeout=_TIMEOUT_S,
            check=True,
        )
        return _texts.decode(done.stdout)
    except subprocess.TimeoutExpired:
        reason = f"they take longer than {_TIMEOUT_S:g} s"
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError) as error:
        reason = type(error).__name__
    raise CliError(f"the patterns of traces.redact cannot be applied: {reason}", hint=_HINT, code="redact")
