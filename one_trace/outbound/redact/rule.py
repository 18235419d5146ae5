"""A rule: a pattern that is compiled when one of its words is in a text, and not before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property

from one_trace.outbound.redact.encodings import Range

Judge = Callable[[re.Match[str]], bool]
"""Whether a match is one: for what a pattern cannot say, or not in linear time."""


class Rule:
    """`words`, all lower case: the text has one of them, or the pattern cannot match. What is redacted is the
    group ``secret``, or all of the match. Patterns have no nested repetition, so that time stays linear.
    """

    def __init__(self, words: str, pattern: str, judge: Judge | None = None, flags: int = 0) -> None:
        self.words = tuple(words.split())
        self._source, self._flags, self._judge = pattern, flags, judge

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self._source, self._flags)

    def find(self, text: str, low: str) -> Iterator[Range]:
        """Where the secrets of this kind stand in `text`; `low` is the text in lower case."""
        if not any(word in low for word in self.words):
            return
        group = "secret" if "secret" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            if match[group] and (self._judge is None or self._judge(match)):
                yield match.span(group)
