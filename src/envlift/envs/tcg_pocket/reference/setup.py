"""Set-up (S)."""

from __future__ import annotations

from envlift.envs.tcg_pocket.reference import turn
from envlift.envs.tcg_pocket.reference.chance import shuffle
from envlift.envs.tcg_pocket.reference.options import END, HAND, ask
from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.reference.state import (
    ACTIVE,
    Decision,
    Game,
    InHand,
    Player,
    Pokemon,
)


@rule
def begin(game: Game) -> None:
    """S-1 to S-3, S-8, F-1: who begins, decks, hands and zones; then both place Pokémon."""
    game.first_player = game.chance.below(2)
    note("S-1")
    for player in game.players:
        deal(game, player)
    for player in game.players:
        player.zone_next = turn.new_energy(game, player)
    game.decider = game.first_player
    place(game)


@rule
def deal(game: Game, player: Player) -> None:
    """S-2, S-3: shuffle and give an opening hand with at least one Basic Pokémon."""
    cards, size = list(player.deck_list), game.tables.numbers.opening_hand
    if game.options.opening != "redraw":
        note("S-3")
    if game.options.opening == "basic_first":
        basics = [at for at, card in enumerate(cards) if game.card(card).basic]
        first = cards.pop(basics[game.chance.below(len(basics))])
        shuffle(game.chance, cards)
        cards.insert(0, first)
    elif game.options.opening == "swap":
        shuffle(game.chance, cards)
        swap_in_a_basic(game, cards)
    else:
        shuffle(game.chance, cards)
        while not any(game.card(card).basic for card in cards[:size]):
            note("S-3")
            shuffle(game.chance, cards)
    player.hand = [InHand(card) for card in cards[:size]]
    player.deck = cards[size:]


@rule
def swap_in_a_basic(game: Game, cards: list[int]) -> None:
    """S-3, ``opening=swap``: a hand without a Basic changes one card for one of the deck."""
    size = game.tables.numbers.opening_hand
    hand, rest = cards[:size], cards[size:]
    if any(game.card(card).basic for card in hand):
        return
    out = game.chance.below(size)
    basics = [at for at, card in enumerate(rest) if game.card(card).basic]
    at = basics[game.chance.below(len(basics))]
    hand[out], rest[at] = rest[at], hand[out]
    shuffle(game.chance, rest)
    cards[:] = hand + rest


@rule
def place(game: Game) -> None:
    """S-4 to S-7: first the player who begins places all, then the other; turn 1 follows."""
    while True:
        number = game.decider
        player = game.players[number]
        if player.places[ACTIVE] is None:
            put(player, ACTIVE, ask(game, Decision.SETUP_ACTIVE, number))
        while (free := player.free_bench) is not None:
            action = ask(game, Decision.SETUP_BENCH, number)
            if action == END:
                break
            put(player, free, action)
        if number != game.first_player:
            break
        game.decider = 1 - number
    turn.start(game)


@rule
def put(player: Player, where: int, action: int) -> None:
    """S-4, S-7: a Basic Pokémon comes into play, without the mark ``new``."""
    player.places[where] = Pokemon([player.hand.pop(action - HAND).card])
