"""Many runs: statistics, comparisons, findings and cost.

Pure functions over the plain data of `history`, `step_runs` and `cost`, which `query`, `past_runs`,
`llm_calls`, `group_by`, `failure_details` and `run_refs` read from the store. Each answer is one msgspec
struct. May look at the store, the trace model and errors; must know nothing of records, hosts, terminals or
options.
"""
