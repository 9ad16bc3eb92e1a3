"""The course of a turn: start, end, Checkup (T, Z, U, L-3)."""

from __future__ import annotations

from envlift.envs.tcg_pocket.reference import board, effects, knockouts
from envlift.envs.tcg_pocket.reference.chance import heads
from envlift.envs.tcg_pocket.reference.program import ability_of
from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.reference.state import (
    PLACES,
    TIE,
    Condition,
    Game,
    Phase,
    Player,
    Pokemon,
)


@rule
def new_energy(game: Game, player: Player) -> int:
    """Z-2: draw a type among those that the deck names."""
    return player.deck_energy[game.chance.below(len(player.deck_energy))]


@rule
def start(game: Game) -> None:
    """T-3, T-4, T-6, Z-1, Z-3, F-2: the next turn begins."""
    game.turn += 1
    game.phase = Phase.MAIN
    game.supporter_played = game.retreated = False
    own = game.own
    for _, pokemon in own.in_play:
        pokemon.new = pokemon.ability_used = False
    if game.turn > 1:  # Z-3
        own.zone_current, own.zone_next = own.zone_next, new_energy(game, own)
    board.draw(own, 1)  # T-4


@rule
def begin_end(game: Game) -> None:
    """T-10: the turn begins to end."""
    game.phase, game.end_place = Phase.END_OF_TURN, 0
    end(game)


@rule
def end(game: Game) -> None:
    """T-10, Z-5: Abilities of the end of the turn, lasting effects, the zone; then the Checkup."""
    while game.end_place < len(PLACES):
        place = game.end_place
        game.end_place += 1
        end_of_first_turn(game, place)
    game.end_place = -1
    end_lasting_effects(game)
    own = game.own
    if own.zone_current >= 0:
        note("Z-5")
    own.zone_current = -1
    own.attack_last, game.attack_now = game.attack_now, 0
    checkup(game)


@rule
def end_of_first_turn(game: Game, place: int) -> None:
    """X-29: the Ability of the end of the own first turn, turn 1 or 2."""
    pokemon = game.own.places[place]
    if pokemon is None or game.turn > 2:
        return
    ability = ability_of(game, pokemon, place, "end_of_own_first_turn")
    if ability is None:
        return
    note("X-29")
    for op in ability.ops:
        effects.trigger(game, pokemon, op)
    knockouts.check(game)


@rule
def end_lasting_effects(game: Game) -> None:
    """L-3: what lasted until the end of this turn ends."""
    if lasts(game):
        note("L-3")
    game.turn_damage_any = game.turn_damage_named = game.turn_damage_card = 0
    game.turn_retreat = 0
    game.own.no_supporter = False
    for _, pokemon in game.own.in_play:  # put on by the other in the turn before
        pokemon.deals_less = 0
        pokemon.no_attack = pokemon.no_retreat = False
        if pokemon.attack_more_until <= game.turn:
            pokemon.attack_more = pokemon.attack_more_name = pokemon.attack_more_until = 0
    for _, pokemon in game.other.in_play:  # put on itself in the turn before
        pokemon.takes_less = pokemon.counter = 0
        pokemon.prevent = 0


def lasts(game: Game) -> bool:
    """Whether anything lasts to the end of this turn."""
    own, other = game.own, game.other
    return bool(
        game.turn_damage_any
        or game.turn_damage_named
        or game.turn_retreat
        or own.no_supporter
        or any(p.deals_less or p.no_attack or p.no_retreat for _, p in own.in_play)
        or any(p.takes_less or p.counter or p.prevent for _, p in other.in_play)
    )


@rule
def checkup(game: Game) -> None:
    """U-1 to U-7, F-4: conditions of both Active Pokémon, then one knock-out check."""
    game.phase = Phase.CHECKUP
    both = (game.own.active, game.other.active)
    if sum(p.poisoned + p.burned + (p.condition == Condition.ASLEEP) for p in both) > 1:
        note("U-7")
    for pokemon in both:
        if pokemon.poisoned:
            note("U-1")
            pokemon.damage += game.tables.numbers.poison
    for pokemon in both:
        burn(game, pokemon)
    for pokemon in both:
        if pokemon.condition != Condition.ASLEEP:
            continue
        note("U-3", *(["U-5"] if game.knocked_out(pokemon) else []))
        if heads(game.chance):
            pokemon.condition = Condition.NONE
    own = game.own.active
    if own.condition == Condition.PARALYZED and own.paralyzed_turn < game.turn:
        note("U-4")
        own.condition, own.paralyzed_turn = Condition.NONE, 0
    knockouts.check(game)
    after_checkup(game)


@rule
def burn(game: Game, pokemon: Pokemon) -> None:
    """U-2: damage, then a coin; heads ends the burn."""
    if pokemon.burned:
        pokemon.damage += game.tables.numbers.burn
        note("U-2", *(["U-5"] if game.knocked_out(pokemon) else []))
        pokemon.burned = not heads(game.chance)


@rule
def after_checkup(game: Game) -> None:
    """T-11, T-2: a tie at the turn limit, else the next turn."""
    if game.turn >= game.options.max_turns:
        note("T-11")
        knockouts.finish(game, TIE)
    start(game)
