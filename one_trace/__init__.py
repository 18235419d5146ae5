"""Traces for One CLI flows."""

import sys

__version__ = "0.1.0"


def _leave_the_folder() -> None:
    """`python -m` looks for modules in the working directory first: a project's own `click.py` would run.

    Where we lie in that directory ourselves, a checkout, it stays. What the interpreter itself imports before
    us is beyond our reach: `python -P -m one_trace` is safe there, too.
    """
    if sys.argv[:1] != ["-m"] or sys.flags.safe_path or not sys.path:
        return  # "-m": the interpreter has not yet come to the module that it is to run
    import os

    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if os.path.realpath(sys.path[0]) != os.path.realpath(here):
        del sys.path[0]


_leave_the_folder()
