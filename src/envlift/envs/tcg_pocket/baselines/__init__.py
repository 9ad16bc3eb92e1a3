"""Players that are built on the compiled rules, to measure others against."""
