"""One move from what may stop it to what follows it, in the order in which it happens."""
