"""Damage of an attack (M)."""

from __future__ import annotations

from envlift.envs.tcg_pocket.reference.program import (
    ability_of,
    attack_of,
    gate_open,
    hit_targets,
    of_names,
    of_type,
    pays,
)
from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.reference.state import ACTIVE, Condition, Game, Pokemon, Prevent
from envlift.envs.tcg_pocket.tables import ENERGY, Op

Target = tuple[int, int]
"""Player and place."""


@rule
def base_of_active(game: Game) -> int:
    """M-1: the printed number, replaced by DMG_SET_PER, raised by DMG_ADD and DMG_ADD_PER."""
    attack = attack_of(game)
    base = attack.damage
    for op in attack.ops:
        if op.code == "DMG_SET_PER" and gate_open(game, op):
            note("X-3")
            base = op.params["per"] * count(game, op)
    for op in attack.ops:
        if not gate_open(game, op):
            continue
        if op.code == "DMG_ADD" and holds(game, op):
            note("X-4")
            base += op.params["n"]
        elif op.code == "DMG_ADD_PER":
            note("X-5")
            base += op.params["per"] * count(game, op)
    return base


@rule
def count(game: Game, op: Op) -> int:
    """X-3, X-5: return what an effect counts."""
    own, params = game.own, op.params
    what = params["count"]
    if what == "heads":
        return game.pending.heads
    if what == "own_bench":
        return sum(
            of_type(game, pokemon, params.get("type"))
            and of_names(game, pokemon, [params["name"]] if "name" in params else None)
            for _, pokemon in own.bench
        )
    if what == "own_uses_of":
        return own.attack_uses[game.tables.watched.index(params["attack"])]
    if what == "self_damage_taken":
        return own.active.damage
    if what == "opp_active_energy":
        return sum(game.other.active.energy)
    if what == "self_energy":
        return sum(own.active.energy)
    raise ValueError(f"{op.code} counts {what!r}, which these rules do not have; see rule X-3")


@rule
def holds(game: Game, op: Op) -> bool:
    """X-4: judge the condition of DMG_ADD, before any damage is done."""
    own, other, params = game.own, game.other, op.params
    condition = params.get("if")
    if condition is None:
        return True
    if condition == "extra_energy":
        extra = [params["at_least"] * (letter == params["type"]) for letter in ENERGY]
        return pays(own.active.energy, attack_of(game).cost, extra)
    if condition == "opp_active_damaged":
        return other.active.damage > 0
    if condition == "opp_active_evolved":
        return game.top(other.active).stage > 0
    if condition == "opp_active_status":
        return params["status"] in statuses(other.active)
    if condition == "own_used_last_turn":
        return own.attack_last == game.tables.watched.index(params["attack"]) + 1
    if condition == "self_damaged":
        return own.active.damage > 0
    if condition == "self_evolved_this_turn":
        return own.active.new and len(own.active.cards) > 1
    if condition == "self_has_tool":
        return False  # P-10: Tools come with later sets
    raise ValueError(f"DMG_ADD has the condition {condition!r}, which rule X-4 does not have")


@rule
def statuses(pokemon: Pokemon) -> list[str]:
    """C-1: name a Pokémon's Special Conditions."""
    named = [("Poisoned", pokemon.poisoned), ("Burned", pokemon.burned)]
    named += [
        ("Asleep", pokemon.condition == Condition.ASLEEP),
        ("Paralyzed", pokemon.condition == Condition.PARALYZED),
        ("Confused", pokemon.condition == Condition.CONFUSED),
    ]
    return [name for name, there in named if there]


@rule
def bases(game: Game) -> dict[Target, int]:
    """M-1, M-9: return the base for each target; hits on one target are added up."""
    me = game.turn_player
    found = {(1 - me, ACTIVE): base_of_active(game)}
    for op in attack_of(game).ops:
        if op.code != "HIT" or not gate_open(game, op):
            continue
        side = me if op.params["side"] == "own" else 1 - me
        for place in hit_places(game, op, side):
            note("X-6")
            if found.get((side, place)):
                note("M-9")
            found[side, place] = found.get((side, place), 0) + op.params["n"]
    return found


@rule
def hit_places(game: Game, op: Op, side: int) -> list[int]:
    """X-6: return the places that HIT meets, one for each hit."""
    places = hit_targets(game.players[side], op)
    if op.params["pick"] == "each":
        return places
    if op.params["pick"] == "choose":
        return [game.pending.target] if game.pending.target >= 0 else []
    times = op.params["times"] if places else 0
    return [places[game.chance.below(len(places))] for _ in range(times)]


@rule
def final(game: Game, target: Target, base: int) -> int:
    """M-2 to M-7: return the damage that is put on a target."""
    if base == 0:
        note("M-2")
        return 0
    side, place = target
    pokemon = game.players[side].places[place]
    assert pokemon is not None, "damage needs a Pokémon"
    number = base
    if place != ACTIVE or side == game.turn_player:
        note("M-7")
    if side == game.turn_player:
        return max(0, number - reductions(game, side, place, pokemon))
    attacker = game.own.active
    bonus = turn_bonus(game, attacker) + attack_bonus(game, attacker) if place == ACTIVE else 0
    if bonus or attacker.deals_less:
        note("M-3")
    number = max(0, number + bonus - attacker.deals_less)
    if number == 0:
        return 0
    if place == ACTIVE and game.top(pokemon).weakness == game.top(attacker).type:
        note("M-4")
        number += game.tables.numbers.weakness
    number = max(0, number - reductions(game, side, place, pokemon))
    if pokemon.prevent != Prevent.NOTHING:
        note("M-6", "X-26")
        return 0
    return number


@rule
def turn_bonus(game: Game, attacker: Pokemon) -> int:
    """M-3, X-27: TURN_DAMAGE that fits the attacker."""
    bonus = game.turn_damage_any
    if game.turn_damage_card:
        (op,) = [o for o in game.card(game.turn_damage_card).ops if o.code == "TURN_DAMAGE"]
        if of_names(game, attacker, op.params.get("names")):
            bonus += game.turn_damage_named
    if bonus:
        note("X-27")
    return bonus


@rule
def attack_bonus(game: Game, attacker: Pokemon) -> int:
    """M-3: ``own_attack_more``, for the attack that it names."""
    if attacker.attack_more_name == watched_number(game, attack_of(game).name):
        return attacker.attack_more
    return 0


def watched_number(game: Game, name: str) -> int:
    """Return the number of an attack that effects ask for by name, 0 for others."""
    watched = game.tables.watched
    return watched.index(name) + 1 if name in watched else 0


@rule
def reductions(game: Game, side: int, place: int, pokemon: Pokemon) -> int:
    """M-5, X-24: TAKES_LESS and ``self_takes_less`` add up."""
    total = pokemon.takes_less
    ability = ability_of(game, pokemon, place, "passive")
    for op in ability.ops if ability is not None else ():
        if op.code != "TAKES_LESS":
            continue
        from_type, needed = op.params.get("from_type"), op.params.get("if_in_play")
        if from_type is not None and not of_type(game, game.own.active, from_type):
            continue
        allies = [ally for _, ally in game.players[side].in_play]
        if needed is not None and not any(of_names(game, ally, needed) for ally in allies):
            continue
        note("A-4", "X-24")
        total += op.params["n"]
    if total:
        note("M-5")
    return total


@rule
def deal(game: Game) -> None:
    """K-4.5, K-4.6, M-8: compute all damage, then put it on all targets at the same time."""
    amounts = {target: final(game, target, base) for target, base in bases(game).items()}
    for (side, place), amount in amounts.items():
        pokemon = game.players[side].places[place]
        assert pokemon is not None, "damage needs a Pokémon"
        pokemon.damage += amount
        if amount and pokemon.damage > game.top(pokemon).hp:
            note("M-8")
    if not any(amounts.values()) and not attack_of(game).ops:
        note("K-7")
    game.pending.damage = amounts[1 - game.turn_player, ACTIVE]
    for op in attack_of(game).ops:
        if op.code == "SELF_DAMAGE" and gate_open(game, op):
            note("X-7")
            game.own.active.damage += op.params["n"]


@rule
def react(game: Game) -> None:
    """K-4.7, X-25: a damaged Active Pokémon strikes back, unmodified."""
    defender = game.other.active
    if game.pending.damage <= 0:
        return
    back = defender.counter
    ability = ability_of(game, defender, ACTIVE, "on_damaged_by_attack")
    for op in ability.ops if ability is not None else ():
        if op.code == "COUNTER":
            back += op.params["n"]
    if back:
        note("X-25")
    game.own.active.damage += back
