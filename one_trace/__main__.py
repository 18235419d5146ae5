"""``python -m one_trace``: the same program as the console scripts."""

import sys

from one_trace.main import main

if __name__ == "__main__":
    sys.exit(main())
