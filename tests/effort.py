"""How many random cases a test tries: few by default, many with ``--hypothesis-profile=thorough``."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")

QUICK_EXAMPLES = 30
THOROUGH_EXAMPLES = 300


def register_profiles() -> None:
    """Hypothesis's profiles. Neither has a deadline: a busy machine is slow. `quick` tries the same examples
    in every run, so that no run fails by chance."""
    settings.register_profile(
        "quick", max_examples=QUICK_EXAMPLES, deadline=None, derandomize=True, database=None
    )
    settings.register_profile(
        "thorough", max_examples=THOROUGH_EXAMPLES, deadline=None, derandomize=False, print_blob=True
    )
    settings.load_profile("quick")


def effort(quick: T, thorough: T) -> T:
    """What to try under the profile that is loaded: a number of cases, or the cases themselves."""
    return thorough if settings().max_examples >= THOROUGH_EXAMPLES else quick
