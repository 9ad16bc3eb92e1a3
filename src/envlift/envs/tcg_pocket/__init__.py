"""Pokémon TCG Pocket, sets A1 and P-A, from written rules."""

from typing import Any

from envlift.registry import Registration


def make(**options: Any) -> Any:
    """Make games; see ``envs.tcg_pocket.env.TcgPocket`` for the options."""
    from envlift.envs.tcg_pocket.tables.variants import choose

    # Before the rules are imported: they have the tables in their code.
    choose(options.get("variant", 0))
    from envlift.envs.tcg_pocket.env import TcgPocket

    return TcgPocket(**options)


REGISTRATION = Registration(
    name="tcg_pocket",
    factory=make,
    title="Pokémon TCG Pocket, sets A1 and P-A: two players, from written rules",
    players=2,
    suite="envlift.envs.tcg_pocket.verification.suite:SUITE",
    reference="plain Python, from numbered rules",
    suite_of="envlift.envs.tcg_pocket.verification.suite:variant_suite",
    render="envlift.envs.tcg_pocket.render:frame",
    log="envlift.envs.tcg_pocket.render:tell",
)
