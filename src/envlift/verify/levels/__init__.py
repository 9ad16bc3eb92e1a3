"""One file for each row of the verdict: level 1 to 4, resets, transforms, the corpus."""
