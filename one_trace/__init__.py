"""Traces for One CLI flows."""

import sys

__version__ = "0.1.0"


def _drop_working_directory() -> None:
    """Keep a project's own `click.py` from running: `python -m` searches the working directory first.

    In a checkout of one-trace the directory stays on the path. Modules imported by the interpreter before us
    are out of our reach; `python -P -m one_trace` covers those, too.
    """
    if sys.argv[:1] != ["-m"] or sys.flags.safe_path or not sys.path:
        return  # "-m": the interpreter has not resolved the module yet
    import os

    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if os.path.realpath(sys.path[0]) != os.path.realpath(here):
        del sys.path[0]


_drop_working_directory()
