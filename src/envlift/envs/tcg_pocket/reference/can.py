"""What the turn player can do in the main part (T-5)."""

from __future__ import annotations

from envlift.envs.tcg_pocket.reference.program import (
    ability_of,
    energy_targets,
    heal_targets,
    of_names,
    of_type,
    pays,
    retreat_cost,
    switch_targets,
)
from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.reference.state import Condition, Game
from envlift.envs.tcg_pocket.tables import ENERGY, Card, Op


@rule
def evolution_places(game: Game, card: Card) -> list[int]:
    """P-2, T-8: return the own places whose Pokémon an Evolution card may go onto."""
    found = [
        place
        for place, pokemon in game.own.in_play
        if game.top(pokemon).name == card.evolves_from and not pokemon.new
    ]
    if game.turn > 2:
        return found
    if found:
        note("T-8")
    return []


@rule
def play(game: Game, card: Card) -> bool:
    """P-1, P-2, P-4, P-5, P-8: whether a hand card can be played now."""
    if card.kind == "pokemon":
        if card.basic:
            return game.own.free_bench is not None
        return bool(evolution_places(game, card))
    if card.kind == "supporter" and not supporter_allowed(game):
        note("P-5")
        return False
    if could_change(game, card.ops[0]):
        return True
    note("P-6")
    return False


@rule
def supporter_allowed(game: Game) -> bool:
    """P-5: one per turn, and neither an effect nor an Ability forbids it."""
    forbidden = any(
        op.code == "OPP_NO_SUPPORTER"
        for place, pokemon in game.other.in_play
        for ability in [ability_of(game, pokemon, place, "passive")]
        if ability is not None
        for op in ability.ops
    )
    if forbidden:
        note("A-4")
    return not (game.supporter_played or game.own.no_supporter or forbidden)


@rule
def could_change(game: Game, op: Op) -> bool:
    """P-6, A-3, X-30, X-40: whether a Trainer or an Ability could change anything.

    What its first effect code needs is what the whole card needs.
    """
    own, other, params = game.own, game.other, op.params
    if op.code == "HEAL":
        return bool(heal_targets(game, own, op))
    if op.code == "TURN_RETREAT":
        return retreat_cost(game, own.active) > 0
    if op.code == "LOOK":
        return bool(other.hand if params["what"] == "opp_hand" else own.deck)
    if op.code in ("FIND", "DRAW"):
        return bool(own.deck)
    if op.code == "RESHUFFLE_HAND":
        return bool(other.hand)
    if op.code == "CHOOSE_OWN":
        return any(of_type(game, pokemon, params["type"]) for _, pokemon in own.in_play)
    if op.code == "RETURN_ACTIVE":
        return of_names(game, own.active, params.get("names")) and bool(own.bench)
    if op.code == "SWITCH_OPP":
        return bool(switch_targets(game, other, op))
    if op.code == "MOVE_ENERGY":
        return of_names(game, own.active, params.get("names")) and any(
            pokemon.energy[energy_number(params["type"])] for _, pokemon in own.bench
        )
    if op.code == "PLAY_AS_BASIC":
        return own.free_bench is not None
    if op.code == "ZONE_ENERGY":
        if params["to"] == "active":
            return of_type(game, own.active, params.get("to_type"))
        return params["to"] == "self" or bool(energy_targets(game, own, op))
    # HIT, FLIP, STATUS, TURN_DAMAGE: always.
    return True


def energy_number(letter: str) -> int:
    """Return a type's number, in the order of N-2."""
    return ENERGY.index(letter)


@rule
def attach(game: Game) -> bool:
    """Z-4: whether there is Energy in the zone that may be attached."""
    return game.own.zone_current >= 0


@rule
def retreat(game: Game) -> bool:
    """R-1 to R-3: whether the Active Pokémon may retreat."""
    active = game.own.active
    if (
        active.condition in (Condition.ASLEEP, Condition.PARALYZED)
        or active.no_retreat
        or game.top(active).fossil
    ):
        note("R-2")
        return False
    return (
        not game.retreated
        and bool(game.own.bench)
        and sum(active.energy) >= retreat_cost(game, active)
    )


@rule
def use_ability(game: Game, place: int) -> bool:
    """A-1 to A-3: whether the Pokémon in a place may use its Ability."""
    pokemon = game.own.places[place]
    if pokemon is None or pokemon.ability_used:
        return False
    ability = ability_of(game, pokemon, place, "once_per_turn")
    if ability is None:
        return False
    if could_change(game, ability.ops[0]):
        return True
    note("A-3")
    return False


@rule
def discard_fossil(game: Game, place: int) -> bool:
    """P-8: whether the fossil in a place may be discarded."""
    pokemon = game.own.places[place]
    return pokemon is not None and game.top(pokemon).fossil and len(game.own.in_play) > 1


@rule
def attack(game: Game, number: int) -> bool:
    """K-1 to K-3, K-7, T-7: whether the Active Pokémon may use its attack of this number."""
    active = game.own.active
    attacks = game.top(active).attacks
    if number >= len(attacks) or not pays(active.energy, attacks[number].cost):
        return False
    if active.condition in (Condition.ASLEEP, Condition.PARALYZED) or active.no_attack:
        note("K-2")
        return False
    return True
