"""Throughput: steps per second of an environment beside its reference, in one run."""
