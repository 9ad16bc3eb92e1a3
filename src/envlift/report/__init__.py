"""Reports: cards, the table of the README and the matrix, generated from code and results."""
