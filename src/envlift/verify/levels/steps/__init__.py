"""Levels 1 and 2: the parts of a step, single steps, steps in a row, the corpus."""
