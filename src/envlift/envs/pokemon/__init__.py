"""Pokémon battles, generation 1, as Pokémon Showdown plays them."""

from typing import Any

from envlift.registry import Registration


def make(**options: Any) -> Any:
    """Make battles; see ``envs.pokemon.env.Pokemon`` for the options."""
    from envlift.envs.pokemon.env import Pokemon

    return Pokemon(**options)


REGISTRATION = Registration(
    name="pokemon",
    factory=make,
    title="Pokémon battles (Showdown), generation 1: two players, random or given teams",
    players=2,
    suite="envlift.envs.pokemon.verification.suite:SUITE",
    render="envlift.envs.pokemon.render:frame",
    log="envlift.envs.pokemon.reference.log:tell",
    reference="Pokémon Showdown (@pkmn/sim 0.10.11)",
)
