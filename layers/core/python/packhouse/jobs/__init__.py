"""Jobs: one run of a state machine each, named after its job id, so that the console and the API show the same thing."""
