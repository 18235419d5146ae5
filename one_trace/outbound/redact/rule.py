"""A rule: a pattern that is compiled only once one of its words is in a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from one_trace.outbound.redact.encodings import Range

Judge = Callable[[re.Match[str]], bool]
"""Whether a match is a secret, for what a pattern cannot decide, or not in linear time."""


class Rule:
    """`words`, in lower case, one of which every match contains. The group ``secret`` is redacted, or else the
    whole match. Patterns must have no nested repetition, so that time stays linear.
    """

    def __init__(self, words: str, pattern: str, judge: Judge | None = None, flags: int = 0) -> None:
        self.words = tuple(words.split())
        self._source, self._flags, self._judge = pattern, flags, judge

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self._source, self._flags)

    def find(self, text: str) -> Iterator[Range]:
        """The secrets of this kind in a text that has one of the words."""
        group = "secret" if "secret" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text):
            if match[group] and (self._judge is None or self._judge(match)):
                yield match.span(group)


class Rules:
    """Many rules, tried in their order. Each word is looked for once, whatever the number of rules that have it."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        places: dict[str, list[int]] = {}
        for place, rule in enumerate(rules):
            for word in rule.words:
                places.setdefault(word, []).append(place)
        self._places = list(places.items())

    def find(self, text: str, low: str) -> Iterator[Range]:
        """The secrets of all kinds in `text`; `low` is the text in lower case."""
        possible = {place for word, places in self._places if word in low for place in places}
        for place in sorted(possible):
            yield from self._rules[place].find(text)
