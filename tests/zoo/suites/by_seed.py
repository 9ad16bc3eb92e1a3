"""Any pair, started by seed; nothing of the state is read."""

from envlift.verify.suite import Suite

SUITE = Suite(name="by seed", reference="", candidate="", start="seed")
