"""Other people's HalfCheetahs, as fast as they can be: for speed beside ours, never for evidence.

Each module is a program of the Python host and imports what it runs from an environment of its own.
Evidence does not depend on these files, so they stand beside ``reference``, not in it.
"""
