"""Error text without secrets, for ``traces.errors = full``: detect-secrets' patterns, and some it does not
have.

Its plugins are called one by one and only for what they match in a text: its own scanner would look at
files, and ask services on the network whether a key it has found is a real one.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from functools import cache
from typing import Any

REDACTED = "[REDACTED]"
_NOT_SECRETS = {
    "IPPublicDetector",
    "HighEntropyStringsPlugin",
    "Base64HighEntropyString",
    "HexHighEntropyString",
}
"""An address and a hash are what many errors are about; keys among them have their own patterns."""
_OWN = (
    # Private keys with all their lines: detect-secrets finds the first.
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"\b(?:trk|hf|vercel|sbp|sk-ant|github_pat|glpat|xox[abprs]|npm)[_-][A-Za-z0-9_-]{8,}"),
    re.compile(r"\bsk-[A-Za-z0-9_-]{16,}"),
    re.compile(r"\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{8,}"),
    re.compile(r"\bAIza[A-Za-z0-9_-]{30,}"),
    re.compile(r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(?<=://)[^\s/:@]+:[^\s/@]+(?=@)"),
    re.compile(
        r"(?i)\b[\w.-]*(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|authorization|cookie)"
        r"[\"']?\s*[=:]\s*[\"']?[^\s\"',;&)}]{3,}"
    ),
)

_CUT_BYTES = 4096 - 4
_LAST_WORD = re.compile(r"\S{1,512}\Z")


def redact(text: str) -> str:
    """`text` with every secret in it replaced by ``[REDACTED]``; whole lines stay readable around it.

    Of a text that was cut to the store's 4 KiB the last word stays: half a key is like no key.
    """
    if len(text.encode("utf-8", "replace")) > _CUT_BYTES:
        text = _LAST_WORD.sub("…", text)
    for pattern in _OWN:
        text = pattern.sub(REDACTED, text)
    for detector in _detectors():
        for secret in sorted(detector.analyze_string(text), key=len, reverse=True):
            if secret and secret != REDACTED:
                text = text.replace(secret, REDACTED)
    return text


@cache
def _detectors() -> list[Any]:
    from detect_secrets import plugins
    from detect_secrets.plugins.base import RegexBasedDetector

    for module in pkgutil.iter_modules(plugins.__path__):
        importlib.import_module(f"{plugins.__name__}.{module.name}")
    found = [kind for kind in _below(RegexBasedDetector) if kind.__name__ not in _NOT_SECRETS]
    return [kind() for kind in found if not getattr(kind, "__abstractmethods__", None)]


def _below(kind: Any) -> list[Any]:  # noqa: ANN401  a class
    children: list[Any] = kind.__subclasses__()
    return [each for child in children for each in (child, *_below(child))]
