"""Training datasets (contract D): rollouts that were rendered, scored and filtered, as NDJSON that trains."""
