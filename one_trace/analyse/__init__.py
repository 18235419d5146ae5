"""Many runs: statistics, comparisons, findings and cost.

Pure functions over the plain data of `history`, `step_runs` and `calls`, which a history (the room `history`)
fills with what it has. Each answer is one msgspec struct. May look at the trace model and errors; must know
nothing of stores, records, hosts, terminals or options.
"""
