"""Does a candidate stay the same however it is driven? Transformations, batches, threads."""
