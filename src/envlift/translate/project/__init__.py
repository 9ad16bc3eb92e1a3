"""``envlift.toml``, its modules, and the reference's own text."""
