"""Dice with a chance tape."""

from envlift.verify.suite import Field, Suite

SUITE = Suite(
    name="dice",
    reference="",
    candidate="",
    start="chance",
    state=(Field("sum"),),
    draw_chance=lambda rng, shape: rng.integers(1, 7, shape),
)
