"""Child processes: an interpreter with what it needs, started, reaped, never left behind."""
