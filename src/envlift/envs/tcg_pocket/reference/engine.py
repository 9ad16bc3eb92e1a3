"""From decision to decision: the whole game.

A step gives an action to the rule that asked for it. The rules go on until they ask again, which
ends the step; what they were in the middle of stands in ``Game.pending``, so that the next step can
take it up.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from envlift.envs.tcg_pocket.reference import attack, board, effects, knockouts, setup, turn
from envlift.envs.tcg_pocket.reference.chance import Chance
from envlift.envs.tcg_pocket.reference.options import (
    ABILITY,
    ATTACH,
    ATTACK,
    DISCARD_FOSSIL,
    END,
    ENERGY,
    HAND,
    OWN,
    RETREAT,
    DecisionNeededError,
    ask,
    legal,
)
from envlift.envs.tcg_pocket.reference.program import retreat_cost
from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.reference.state import (
    Decision,
    Game,
    Options,
    Pending,
    Phase,
    Player,
    Work,
)
from envlift.envs.tcg_pocket.tables import Tables, standard

DECLARED = 8
AFTER = 9


def new_game(
    decks: Sequence[tuple[Sequence[int], Sequence[int]]],
    chance: Chance,
    options: Options | None = None,
    tables: Tables | None = None,
) -> Game:
    """Begin a game.

    Args:
        decks: for both players the 20 cards and the types of Energy, numbers in the order of N-2.
        chance: of the set-up, F-1.
        options: the switches of the rules.
        tables: the cards, those of the real game by default.

    Returns:
        The game at its first decision.
    """
    tables = tables or standard()
    players = [Player(sorted(cards), sorted(energy)) for cards, energy in decks]
    for player in players:
        player.hand_limit, player.bench_size = tables.numbers.hand_limit, tables.numbers.bench
    game = Game(players, options or Options(), tables, chance)
    with suppress(DecisionNeededError):
        setup.begin(game)
        work(game)
    return game


def step(game: Game, action: int, chance: Chance) -> None:
    """Play from one decision to the next, in place.

    Args:
        game: not over; one that is over stays as it is.
        action: of who decides; one that is not legal is played as the lowest legal one.
        chance: of this step.
    """
    if game.phase == Phase.OVER:
        return
    possible = legal(game, game.decider)
    game.chance = chance
    game.answer = action if action in possible else possible[0]
    with suppress(DecisionNeededError, knockouts.GameEndedError):
        work(game)
    assert game.answer is None, "nobody took the action"


@rule
def work(game: Game) -> None:
    """T-2: take up what was interrupted, and go on until somebody is asked.

    Raises:
        DecisionNeededError: at the next decision.
        knockouts.GameEndedError: when the game has ended.
    """
    if game.phase == Phase.SET_UP:
        setup.place(game)
    while True:
        knockouts.promote(game)
        if game.pending.kind != Work.NOTHING:
            carry_on(game)
        elif game.phase == Phase.END_OF_TURN:
            turn.end(game)
        elif game.phase == Phase.CHECKUP:
            turn.after_checkup(game)
        else:
            main(game, ask(game, Decision.MAIN, game.turn_player))


@rule
def main(game: Game, action: int) -> None:
    """T-5: carry out what the turn player does."""
    own = game.own
    if action == END:
        turn.begin_end(game)
    elif action >= ATTACK:
        attack.declare(game, action)
        turn.begin_end(game)
    elif action >= DISCARD_FOSSIL:
        discard_fossil(game, action - DISCARD_FOSSIL)
    elif action >= ABILITY:
        use_ability(game, action - ABILITY)
    elif action == RETREAT:
        game.pending = Pending(Work.RETREAT)
        retreat(game)
    elif action == ATTACH:
        game.pending = Pending(Work.ATTACH)
        attach(game)
    else:
        slot = action - HAND
        card = game.card(own.hand[slot].card)
        if card.basic:
            board.put_on_bench(own, own.hand.pop(slot).card)
        elif card.kind == "pokemon":
            game.pending = Pending(Work.EVOLVE, slot=slot)
            evolve(game)
        else:
            play_trainer(game, slot)


@rule
def carry_on(game: Game) -> None:
    """K-1: take up what is pending; an attack is followed by the end of the turn."""
    kind = game.pending.kind
    if kind == Work.ATTACK:
        attack.carry_on(game)
        turn.begin_end(game)
    else:
        {
            Work.TRAINER: trainer,
            Work.ABILITY: ability,
            Work.RETREAT: retreat,
            Work.EVOLVE: evolve,
            Work.ATTACH: attach,
        }[Work(kind)](game)


@rule
def play_trainer(game: Game, slot: int) -> None:
    """P-4, P-5, P-7: the card leaves the hand before its effect."""
    card = game.own.hand.pop(slot).card
    game.supporter_played |= game.card(card).kind == "supporter"
    game.pending = Pending(Work.TRAINER, card, step=DECLARED)
    trainer(game)


@rule
def trainer(game: Game) -> None:
    """P-4, P-7, G-1: the effect, the discard pile, a knock-out check."""
    pending = game.pending
    if pending.step == DECLARED:
        effects.carry_out(game)
        knockouts.drop_played_card(game)
        pending.step = AFTER
        knockouts.check(game)
    game.pending = Pending()


@rule
def use_ability(game: Game, place: int) -> None:
    """A-1: once per Pokémon and turn."""
    pokemon = game.own.places[place]
    assert pokemon is not None, "who has the Ability is in play"
    pokemon.ability_used = True
    note("A-1", *(["A-2"] if pokemon.poisoned or pokemon.burned or pokemon.condition else []))
    game.pending = Pending(Work.ABILITY, pokemon.cards[-1], place=place, step=DECLARED)
    ability(game)


@rule
def ability(game: Game) -> None:
    """A-1, G-1: the effect, then a knock-out check."""
    if game.pending.step == DECLARED:
        effects.carry_out(game)
        game.pending.step = AFTER
        knockouts.check(game)
    game.pending = Pending()


@rule
def attach(game: Game) -> None:
    """Z-4, X-28: attach ``current`` to one Pokémon in play."""
    own = game.own
    place = ask(game, Decision.ATTACH, game.turn_player) - OWN
    game.pending = Pending()
    pokemon = own.places[place]
    assert pokemon is not None, "a target is in play"
    note("Z-4")
    number, own.zone_current = own.zone_current, -1
    pokemon.energy[number] += 1
    effects.on_zone_attach(game, pokemon, number)


@rule
def evolve(game: Game) -> None:
    """P-2, P-3: the Evolution card goes onto the chosen Pokémon."""
    place = ask(game, Decision.EVOLVE, game.turn_player) - OWN
    own, slot = game.own, game.pending.slot
    game.pending = Pending()
    board.evolve(own, place, own.hand.pop(slot).card)


@rule
def retreat(game: Game) -> None:
    """R-1 to R-5: choose who comes up, pay with Energy, exchange the places."""
    pending, own = game.pending, game.own
    if pending.place < 0:
        pending.place = ask(game, Decision.RETREAT, game.turn_player) - OWN
        pending.units = retreat_cost(game, own.active)
    while pending.units:
        pay_a_unit(game)
    board.swap(own, pending.place)
    game.retreated = True
    game.pending = Pending()


@rule
def pay_a_unit(game: Game) -> None:
    """R-4: discard one unit; without a choice all that is left to pay goes at once."""
    pending, own = game.pending, game.own
    active = own.active
    types = [number for number, units in enumerate(active.energy) if units]
    if len(types) == 1:
        board.discard_energy(own, active, types[0], pending.units)
        pending.units = 0
    elif sum(active.energy) <= pending.units:
        for number in types:
            board.discard_energy(own, active, number, active.energy[number])
        pending.units = 0
    elif game.options.retreat_energy == "random":
        board.discard_random_energy(game, own, active)
        pending.units -= 1
    else:
        number = ask(game, Decision.RETREAT_ENERGY, game.turn_player) - ENERGY
        board.discard_energy(own, active, number)
        pending.units -= 1


@rule
def discard_fossil(game: Game, place: int) -> None:
    """P-8, G-4, G-6: discard an own fossil; no points, and promotion if it was Active."""
    own = game.own
    note("P-8", "G-4")
    own.discard += board.leave_play(own, place)
    knockouts.look_for_end(game)
