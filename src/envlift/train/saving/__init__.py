"""Checkpoints, and policies exported for others."""
