"""One reading of a log: who begins with a line, who ends with it, and which of that was a choice."""
