"""Reports: environment cards and the README's matrix, generated from code and results."""
