"""What an edit of a flow would have done to its past runs: they are run again on the virtual clock.

`past` tells what each execution of a step did in a run, `replay` runs a flow with that in the engine, `edits`
makes the edited flow of a finding, and `predict` compares the two. Pure: definitions and traces in, figures
out.
"""

from one_trace.analyse.whatif.predict import Replays

__all__ = ["Replays"]
