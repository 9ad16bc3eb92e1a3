"""Level 4: policies that are trained on one side and play on the other."""
