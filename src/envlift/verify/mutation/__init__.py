"""Verifying the verifier: faults are planted in the rules, and every level must answer."""
