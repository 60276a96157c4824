"""What was tried with dataset versions, and what came of it."""
