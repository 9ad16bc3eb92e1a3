"""Knock-outs, promotion and the end of the game (G, W)."""

from __future__ import annotations

from envlift.envs.tcg_pocket.reference.board import leave_play
from envlift.envs.tcg_pocket.reference.options import OWN, ask
from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.reference.state import (
    ACTIVE,
    TIE,
    Decision,
    Game,
    Pending,
    Phase,
    Work,
)


class GameEndedError(Exception):
    """The game has ended."""


@rule
def check(game: Game) -> None:
    """G-1 to G-6: remove what is knocked out, give points, look for an end, promote."""
    removed = [
        (number, place, pokemon)
        for number, player in enumerate(game.players)
        for place, pokemon in player.in_play
        if game.knocked_out(pokemon)
    ]
    if removed:
        note("G-1", "G-2", "G-3", "G-5")
    ex = game.tables.numbers.points_of_ex
    for number, place, pokemon in removed:
        if pokemon.held:
            note("L-5")
        game.players[1 - number].points += ex if game.top(pokemon).ex else 1
        game.players[number].discard += leave_play(game.players[number], place)
    look_for_end(game)
    promote(game)


@rule
def look_for_end(game: Game) -> None:
    """W-1, W-2: count the conditions that each player fulfils.

    Raises:
        GameEndedError: if the game has ended.
    """
    enough = game.tables.numbers.points_to_win
    counts = [
        (game.players[number].points >= enough) + (not game.players[1 - number].in_play)
        for number in (0, 1)
    ]
    if counts[0] == counts[1] == 0:
        return
    note("W-1", *(["W-2"] if all(counts) else []))
    finish(game, TIE if counts[0] == counts[1] else counts.index(max(counts)))


@rule
def finish(game: Game, winner: int) -> None:
    """W-4: end the game; a Trainer card that is being played goes to the discard pile.

    Raises:
        GameEndedError: always.
    """
    drop_played_card(game)
    game.winner, game.phase = winner, Phase.OVER
    game.decision, game.decider, game.end_place = Decision.NONE, -1, -1
    game.pending = Pending()
    raise GameEndedError


@rule
def drop_played_card(game: Game) -> None:
    """P-7: a Trainer enters the discard pile after its effect; a fossil is in play instead."""
    pending = game.pending
    if pending.kind == Work.TRAINER and pending.step < 9 and not game.card(pending.card).fossil:
        game.own.discard.append(pending.card)


@rule
def promote(game: Game) -> None:
    """G-6 to G-8: who has no Active Pokémon chooses one; who has the next turn chooses first."""
    if all(player.places[ACTIVE] is None for player in game.players):
        note("G-7")
    for number in (1 - game.turn_player, game.turn_player):
        player = game.players[number]
        if player.places[ACTIVE] is None:
            note("G-6", "G-8")
            place = ask(game, Decision.PROMOTE, number) - OWN
            player.places[ACTIVE], player.places[place] = player.places[place], None
