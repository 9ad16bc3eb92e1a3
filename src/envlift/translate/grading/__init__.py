"""Grading an attempt: what runs the agent's code apart, and what decides."""
