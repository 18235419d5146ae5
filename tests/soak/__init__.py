"""``python -m tests.soak``: faults by the thousand, counted. Minutes long, no part of the tests."""
