"""The rules of battles, a folder per generation."""
