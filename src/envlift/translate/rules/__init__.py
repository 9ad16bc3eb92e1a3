"""Written rules with ids, and who cites them: tests, the plain reference, a comparison."""
