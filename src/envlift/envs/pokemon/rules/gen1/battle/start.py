"""A new battle from two teams: both leads come in (``runAction`` of ``start``)."""

# mypy: ignore-errors

import warp as wp

from envlift.envs.pokemon.rules.gen1.battle.choices import update_legal
from envlift.envs.pokemon.rules.gen1.battle.turn import enter, first_of_event, turn_loop
from envlift.envs.pokemon.rules.gen1.parts import ids
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule
from envlift.envs.pokemon.rules.gen1.parts.pokemon import cure_status


@rule
def start(b: Battle):
    """Begin; the seed, species, levels, max HP, stats, moves and PP are given, all else is 0."""
    b[At.WINNER] = ids.GOING_ON
    b[At.QUEUE_LENGTH] = 0
    m = wp.int32(0)
    while m < 12:
        cure_status(b, m)
        b[At.HP + m] = b[At.MAX_HP + m]
        b[At.FAINTED + m] = wp.where(b[At.SPECIES + m] == 0, 1, 0)
        b[At.ORDER + m] = wp.where(b[At.SPECIES + m] == 0, -1, m % 6)
        m += 1
    enter(b, 0, 0)
    enter(b, 1, 6)
    first_of_event(b)
    turn_loop(b, True)
    update_legal(b)
