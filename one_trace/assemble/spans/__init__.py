"""The reading as it is shown: times of what was silent, what was late, why the run failed, the spans."""
