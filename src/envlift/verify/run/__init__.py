"""One run: opening both sides, running the levels, showing progress and the result."""
