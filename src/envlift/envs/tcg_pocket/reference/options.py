"""What may be chosen in each decision (N-6), as actions.

An action has one meaning, whatever is asked; "own" and "opposing" are as seen by who decides.
"""

from __future__ import annotations

from collections.abc import Callable

from envlift.envs.tcg_pocket.reference import can
from envlift.envs.tcg_pocket.reference.program import (
    current_op,
    energy_targets,
    heal_targets,
    hit_targets,
    of_type,
    switch_targets,
)
from envlift.envs.tcg_pocket.reference.rulebook import rule
from envlift.envs.tcg_pocket.reference.state import PLACES, Decision, Game

PASS = 0
HAND = 1
ATTACH = 13
RETREAT = 14
ABILITY = 15
DISCARD_FOSSIL = 19
ATTACK = 23
END = 25
OWN = 26
OPPOSING = 30
ENERGY = 34
COPY = 42
NUM_ACTIONS = 50


@rule
def setup_active(game: Game, player: int) -> list[int]:
    """S-4, S-6: a Basic Pokémon of the hand."""
    hand = game.players[player].hand
    return [HAND + slot for slot, held in enumerate(hand) if game.card(held.card).basic]


@rule
def setup_bench(game: Game, player: int) -> list[int]:
    """S-4: one more Basic Pokémon for a free Bench place, or no more."""
    if game.players[player].free_bench is None:
        return [END]
    return [*setup_active(game, player), END]


@rule
def main(game: Game, player: int) -> list[int]:
    """T-5, T-9: all that can be done in the main part."""
    own = game.players[player]
    found = [
        HAND + slot for slot, held in enumerate(own.hand) if can.play(game, game.card(held.card))
    ]
    if can.attach(game):
        found.append(ATTACH)
    if can.retreat(game):
        found.append(RETREAT)
    found += [ABILITY + place for place in PLACES if can.use_ability(game, place)]
    found += [DISCARD_FOSSIL + place for place in PLACES if can.discard_fossil(game, place)]
    found += [ATTACK + number for number in (0, 1) if can.attack(game, number)]
    return [*found, END]


@rule
def evolve(game: Game, player: int) -> list[int]:
    """P-2: which Pokémon the chosen Evolution card goes onto."""
    card = game.card(game.players[player].hand[game.pending.slot].card)
    return [OWN + place for place in can.evolution_places(game, card)]


@rule
def attach(game: Game, player: int) -> list[int]:
    """Z-4: any own Pokémon in play."""
    return [OWN + place for place, _ in game.players[player].in_play]


@rule
def bench(game: Game, player: int) -> list[int]:
    """R-1, G-6: any Benched Pokémon."""
    return [OWN + place for place, _ in game.players[player].bench]


@rule
def retreat_energy(game: Game, player: int) -> list[int]:
    """R-4: a type of which Energy is attached to the Active Pokémon."""
    energy = game.players[player].active.energy
    return [ENERGY + number for number, units in enumerate(energy) if units]


@rule
def switch(game: Game, player: int) -> list[int]:
    """X-17, X-18: who comes to the Active Spot, of the own side or of the other's."""
    op = current_op(game)
    moved = player if op.code == "SWITCH_OWN" else 1 - game.turn_player
    first = OWN if moved == player else OPPOSING
    return [first + place for place in switch_targets(game, game.players[moved], op)]


@rule
def hit(game: Game, player: int) -> list[int]:
    """X-6: a target of HIT."""
    op = current_op(game)
    own = op.params["side"] == "own"
    side = game.players[player if own else 1 - player]
    return [(OWN if own else OPPOSING) + place for place in hit_targets(side, op)]


@rule
def heal(game: Game, player: int) -> list[int]:
    """X-14: whom to heal."""
    return [OWN + p for p in heal_targets(game, game.players[player], current_op(game))]


@rule
def energy(game: Game, player: int) -> list[int]:
    """X-12: where a unit of new Energy goes."""
    return [OWN + p for p in energy_targets(game, game.players[player], current_op(game))]


@rule
def copy(game: Game, player: int) -> list[int]:
    """X-23: an attack of an opposing Pokémon, except another COPY_ATTACK."""
    return [
        COPY + 2 * place + number
        for place, pokemon in game.players[1 - player].in_play
        for number, attack in enumerate(game.top(pokemon).attacks)
        if not any(op.code == "COPY_ATTACK" for op in attack.ops)
    ]


@rule
def choose(game: Game, player: int) -> list[int]:
    """X-30: one own Pokémon of the type of CHOOSE_OWN."""
    letter = current_op(game).params.get("type")
    return [
        OWN + place
        for place, pokemon in game.players[player].in_play
        if of_type(game, pokemon, letter)
    ]


OPTIONS: dict[int, Callable[[Game, int], list[int]]] = {
    Decision.SETUP_ACTIVE: setup_active,
    Decision.SETUP_BENCH: setup_bench,
    Decision.MAIN: main,
    Decision.EVOLVE: evolve,
    Decision.ATTACH: attach,
    Decision.RETREAT: bench,
    Decision.RETREAT_ENERGY: retreat_energy,
    Decision.PROMOTE: bench,
    Decision.SWITCH: switch,
    Decision.HIT: hit,
    Decision.HEAL: heal,
    Decision.ENERGY: energy,
    Decision.COPY: copy,
    Decision.CHOOSE: choose,
}


def legal(game: Game, player: int) -> list[int]:
    """Return what a player may do now, in ascending order; PASS for who is not asked."""
    if player != game.decider:
        return [PASS]
    return OPTIONS[game.decision](game, player)


class DecisionNeededError(Exception):
    """Somebody is asked: the step ends here, and the next one goes on from the state."""


@rule
def ask(game: Game, decision: Decision, player: int) -> int:
    """N-6: have a player choose; one option is taken at once. There must be an option.

    Returns:
        The action chosen.

    Raises:
        DecisionNeededError: until the next step brings the answer.
    """
    if game.answer is not None:
        assert game.decision == decision, "the work went on at another place than it had stopped"
        answer, game.answer = game.answer, None
        return answer
    options = OPTIONS[decision](game, player)
    if len(options) == 1 and decision != Decision.MAIN:
        return options[0]
    game.decision, game.decider = decision, player
    raise DecisionNeededError
