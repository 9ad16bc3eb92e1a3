"""Showing that a fast environment is the same environment."""
