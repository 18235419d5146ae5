"""The oracle: could this reading have left this record? It knows no truth.

A reading is a Trace that was assembled from a record. Its flow is run again by the runner's own engine on the
virtual clock and without Node: each condition, loop and step does what the reading says of it, a step without
children for as long as it says. What the host does with that, the engine does. If the reading is right, the
log, the tree and the statuses in the state that come of it are those of the record and of the reading.

    verdict = check(files, trace)      # reproduced, refuted or unchecked, and why

* `places`: where in the tree an execution is, the same for a reading and a run; `events`: lines as compared
* `decisions`, `retries`: what a reading decides, and the ways to split the time of retried steps
* `record`, `results`: what a run is held against, and the results in a state
* `rerun`, `replayed`, `values`, `course`: a run with these decisions, up to the first event that the record
  does not have; `values` is the engine's second adapter
* `guide`, `expectations`: ends for steps of which the reading does not know how they ended
* `agreement`: what differs between a run and the reading and state that it must have come to
* `trials`, `verdict`: what to try next, and the verdict
* `hostile`, `outcomes`, `tally`: random runs, what their readings are and what is said of them
* `corpus`, `figures`: the stored runs as seeds and verdicts, and the running total of all fresh ones
* `mutants`, `mutant_readings`: assemblers with one condition taken out, whose readings must be refuted
"""
