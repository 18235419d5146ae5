"""The pages of `one trace help TOPIC`: one Markdown file each, beginning with `# Title: what it answers`."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent
NAMES = (
    "settings",
    "documents",
    "agents",
    "ci",
    "otel",
    "attributes",
    "fleet",
    "privacy",
    "security",
    "exit-codes",
    "development",
)
"""The topics, in the order of the list."""


def page(name: str) -> str:
    """The Markdown of a topic of `NAMES`."""
    return (_FOLDER / f"{name}.md").read_text("utf-8")


def titles() -> dict[str, str]:
    """What each topic answers, by its name."""
    return {name: page(name).split("\n", 1)[0].removeprefix("# ") for name in NAMES}
