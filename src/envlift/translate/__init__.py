"""A coding agent writes the fast environment; the verifier decides; the ledger counts."""
