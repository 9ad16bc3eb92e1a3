"""The effect codes that are being carried out, and questions that several rules ask of a board."""

from __future__ import annotations

from collections.abc import Sequence

from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.reference.state import ACTIVE, Game, Player, Pokemon, Work
from envlift.envs.tcg_pocket.tables import ENERGY, Ability, Attack, Op


def attack_of(game: Game) -> Attack:
    """Return the attack that is carried out; the copied one, if there is one (X-23)."""
    pending = game.pending
    if pending.copied_card:
        return game.card(pending.copied_card).attacks[pending.copied_attack]
    return game.card(pending.card).attacks[pending.attack]


def ops_of(game: Game) -> tuple[Op, ...]:
    """Return the effect codes of the Trainer, Ability or attack that is carried out."""
    pending = game.pending
    if pending.kind == Work.TRAINER:
        return game.card(pending.card).ops
    if pending.kind == Work.ABILITY:
        ability = game.card(pending.card).ability
        return ability.ops if ability is not None else ()
    return attack_of(game).ops


def current_op(game: Game) -> Op:
    """Return the effect code at which the work stands."""
    return ops_of(game)[game.pending.op]


@rule
def gate_open(game: Game, op: Op) -> bool:
    """X-1: judge an effect's gate by the last FLIP."""
    heads, coins = game.pending.heads, game.pending.coins
    return {
        None: True,
        "heads": heads >= 1,
        "tails": heads == 0,
        "all_heads": heads == coins,
    }[op.gate]


def cost_units(cost: str) -> list[int]:
    """Return what a cost names of each type, without its colourless symbols."""
    return [cost.count(letter) for letter in ENERGY]


@rule
def pays(energy: Sequence[int], cost: str, extra: Sequence[int] | None = None) -> bool:
    """K-3: whether Energy pays a cost; ``extra`` units of a type come on top (X-4)."""
    more = extra if extra is not None else [0] * len(ENERGY)
    needed = [named + k for named, k in zip(cost_units(cost), more, strict=True)]
    enough = all(have >= need for have, need in zip(energy, needed, strict=True))
    return enough and sum(energy) >= len(cost) + sum(more)


@rule
def ability_of(game: Game, pokemon: Pokemon, place: int, trigger: str) -> Ability | None:
    """A-1, A-4: return its Ability of this trigger, if it works where the Pokémon stands."""
    ability = game.top(pokemon).ability
    if ability is None or ability.trigger != trigger:
        return None
    return ability if place == ACTIVE or not ability.active_only else None


def of_type(game: Game, pokemon: Pokemon, letter: str | None) -> bool:
    """Whether a Pokémon has a type; None asks for nothing."""
    return letter is None or game.top(pokemon).type == letter


@rule
def of_names(game: Game, pokemon: Pokemon, names: Sequence[str] | None) -> bool:
    """N-9: whether a Pokémon has one of the names; None asks for nothing."""
    return names is None or game.top(pokemon).name in names


@rule
def basic_in_play(game: Game, pokemon: Pokemon) -> bool:
    """P-9: a Basic Pokémon, or a fossil, which is one in play."""
    return game.top(pokemon).stage == 0


@rule
def energy_targets(game: Game, player: Player, op: Op) -> list[int]:
    """X-12: return the places among which the owner chooses for ZONE_ENERGY."""
    where, pending = op.params["to"], game.pending
    found = player.in_play if where == "own_one" else player.bench
    return [
        place
        for place, pokemon in found
        if of_type(game, pokemon, op.params.get("to_type"))
        and of_names(game, pokemon, op.params.get("to_names"))
        and not pending.chosen >> place & 1
    ]


@rule
def switch_targets(game: Game, player: Player, op: Op) -> list[int]:
    """X-17, X-18: return the Bench places from which one comes to the Active Spot."""
    basics_only = op.params.get("filter") == "basic"
    return [
        place for place, pokemon in player.bench if not basics_only or basic_in_play(game, pokemon)
    ]


@rule
def hit_targets(player: Player, op: Op) -> list[int]:
    """X-6: return the places of the named side that HIT may meet."""
    where = op.params["where"]
    return [
        place
        for place, _ in player.in_play
        if where == "any" or (where == "active") == (place == ACTIVE)
    ]


@rule
def heal_targets(game: Game, player: Player, op: Op) -> list[int]:
    """X-14, X-30: return the places of own Pokémon with damage, of the type if one is named."""
    return [
        place
        for place, pokemon in player.in_play
        if pokemon.damage > 0 and of_type(game, pokemon, op.params.get("type"))
    ]


@rule
def retreat_cost(game: Game, pokemon: Pokemon) -> int:
    """R-3: the printed cost minus the turn's reductions, at least 0."""
    if game.turn_retreat:
        note("R-3")
    return max(0, game.top(pokemon).retreat - game.turn_retreat)
