"""Players for the plain engine: random, attach-and-attack, and one that searches.

They choose by what their player may see. ``search`` draws anew what is hidden, then looks ahead.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

from envlift.envs.tcg_pocket.reference import engine, fields
from envlift.envs.tcg_pocket.reference.chance import Tape
from envlift.envs.tcg_pocket.reference.options import (
    ABILITY,
    ATTACH,
    ATTACK,
    DISCARD_FOSSIL,
    END,
    HAND,
    OPPOSING,
    OWN,
    RETREAT,
    legal,
)
from envlift.envs.tcg_pocket.reference.program import pays
from envlift.envs.tcg_pocket.reference.state import ACTIVE, TIE, Decision, Game, Phase, Pokemon
from envlift.envs.tcg_pocket.tables import decks

Player = Callable[[Game, random.Random], int]
"""Return one of the deciding player's legal actions."""

HORIZON = 4
"""Turns that a search looks ahead."""


def random_player(game: Game, rng: random.Random) -> int:
    """Choose any legal action, each equally likely."""
    return rng.choice(legal(game, game.decider))


def attach_and_attack(game: Game, rng: random.Random) -> int:
    """Fill the Bench, evolve, play what can be played, attach, attack as hard as possible."""
    possible = legal(game, game.decider)
    if game.decision == Decision.MAIN:
        return max(possible, key=lambda action: _rank(game, action))
    if game.decision == Decision.SETUP_BENCH:
        return possible[0]
    if game.decision == Decision.ATTACH:
        return max(possible, key=lambda action: _wants_energy(game, action - OWN))
    if game.decision in (Decision.PROMOTE, Decision.RETREAT, Decision.SWITCH, Decision.HIT):
        return max(possible, key=lambda action: _chosen_in(game, action))
    return possible[0]


def _rank(game: Game, action: int) -> tuple[int, int]:
    """Say how early an action of the main part is done: Pokémon, cards, Energy, the attack."""
    if HAND <= action < ATTACH:
        card = game.card(game.own.hand[action - HAND].card)
        return (9, card.stage) if card.kind == "pokemon" else (7 if card.kind == "item" else 6, 0)
    if ABILITY <= action < DISCARD_FOSSIL:
        return 8, 0
    if ATTACK <= action < END:
        return 3, game.top(game.own.active).attacks[action - ATTACK].damage
    return {ATTACH: (5, 0), END: (2, 0), RETREAT: (1, 0)}.get(action, (0, 0))


def _wants_energy(game: Game, place: int) -> tuple[bool, bool, int]:
    pokemon = game.own.places[place]
    assert pokemon is not None, "a legal target is in play"
    costs = [attack.cost for attack in game.top(pokemon).attacks]
    needs = any(not pays(pokemon.energy, cost) for cost in costs)
    return needs, place == ACTIVE, -place


def _chosen_in(game: Game, action: int) -> float:
    """Prefer own Pokémon with Energy and HP, opposing ones that are nearly knocked out."""
    own = action < OPPOSING
    side = game.players[game.decider if own else 1 - game.decider]
    pokemon = side.places[action - (OWN if own else OPPOSING)]
    assert pokemon is not None, "a legal target is in play"
    left = _left(game, pokemon)
    return 100 * sum(pokemon.energy) + left if own else -left


def _left(game: Game, pokemon: Pokemon) -> int:
    return game.top(pokemon).hp - pokemon.damage


def search(strength: int = 32) -> Player:
    """Return a player that looks ahead in games in which the hidden cards are drawn anew.

    Each legal action is tried in several such games, played on by ``attach_and_attack`` for a few
    turns; actions that do well are tried more often (UCB1). Draws of the tries are its own.

    Args:
        strength: tries for a decision.

    Raises:
        ValueError: if it is not positive.
    """
    if strength < 1:
        raise ValueError(f"strength={strength} is out of range; it is at least 1")

    def choose(game: Game, rng: random.Random) -> int:
        possible, player = legal(game, game.decider), game.decider
        if len(possible) == 1:
            return possible[0]
        if game.phase == Phase.SET_UP:
            # The other's Pokémon are hidden yet (S-4): nothing is worth looking at.
            return attach_and_attack(game, rng)
        tries = Counter[int]()
        total: dict[int, float] = dict.fromkeys(possible, 0.0)

        def bound(action: int) -> float:
            if not tries[action]:
                return math.inf
            spread = math.sqrt(2 * math.log(tries.total()) / tries[action])
            return total[action] / tries[action] + spread

        for _ in range(max(strength, len(possible))):
            action = max(possible, key=bound)
            total[action] += _outlook(game, player, action, rng)
            tries[action] += 1
        return max(possible, key=lambda action: (tries[action], total[action]))

    return choose


def _outlook(game: Game, player: int, action: int, rng: random.Random) -> float:
    """Try an action in one drawn game; return from -1 to 1 how well it went for the player."""
    tried = redraw_hidden(game, player, rng)
    engine.step(tried, action, _tape(rng))
    until = tried.turn + HORIZON
    while tried.winner < 0 and tried.turn < until:
        engine.step(tried, attach_and_attack(tried, rng), _tape(rng))
    if tried.winner >= 0:
        return 0.0 if tried.winner == TIE else 1.0 if tried.winner == player else -1.0
    mine, theirs = (_standing(tried, number) for number in (player, 1 - player))
    return math.tanh((mine - theirs) / 4)


def _standing(game: Game, number: int) -> float:
    player = game.players[number]
    worth = sum(
        _left(game, pokemon) / 100 + sum(pokemon.energy) / 3 for _, pokemon in player.in_play
    )
    return 2 * player.points + worth


def _tape(rng: random.Random) -> Tape:
    return Tape(rng.getrandbits(32), rng.getrandbits(32))


def redraw_hidden(game: Game, viewer: int, rng: random.Random) -> Game:
    """Return a copy in which all is drawn anew that a player may not know (I-2).

    The other's list is one of the built-in decks that fits what was seen of it, or, where none
    does, of any of them.
    """
    copy = fields.read(fields.write(game), game.options, game.tables)
    own, other = copy.players[viewer], copy.players[1 - viewer]
    rest = sorted(own.deck[own.deck_known :])  # the order itself is hidden, too
    rng.shuffle(rest)
    own.deck[own.deck_known :] = rest
    pool = _pool(copy, 1 - viewer, rng)
    for held in other.hand:
        if not held.known:
            held.card = pool.pop()
    other.deck = [pool.pop() for _ in other.deck]
    return copy


def _pool(game: Game, number: int, rng: random.Random) -> list[int]:
    """Return cards for the hidden places of a side, in random order, at least as many."""
    player = game.players[number]
    seen = Counter(card for _, pokemon in player.in_play for card in pokemon.cards)
    seen.update(held.card for held in player.hand if held.known)
    seen.update(player.discard)
    if game.turn_player == number and game.pending.kind == 1:
        seen[game.pending.card] += 1
    lists = [player.deck_list] if game.options.open_decklists else [d.cards for d in decks()]
    fitting = [cards for cards in lists if seen <= Counter(cards)] or lists
    rest = list((Counter(rng.choice(fitting)) - seen).elements())
    rng.shuffle(rest)
    hidden = len(player.hand) + len(player.deck)
    return rest + rng.choices(fitting[0], k=max(0, hidden - len(rest)))


PLAYERS: dict[str, Player] = {
    "random": random_player,
    "attach_and_attack": attach_and_attack,
    "search": search(),
}


def play_game(game: Game, players: tuple[Player, Player], rng: random.Random) -> int:
    """Play a game to its end; return its winner, 2 for a tie."""
    while game.winner < 0:
        engine.step(game, players[game.decider](game, rng), _tape(rng))
    return game.winner
