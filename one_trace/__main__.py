"""``python -m one_trace``: the same program as the console scripts."""

import sys

from one_trace.main import program

if __name__ == "__main__":
    sys.exit(program())
