"""Jobs: one run of a state machine each. The execution bears the job's id, so console and API show the same thing."""
