"""Moving cards and Energy."""

from __future__ import annotations

from envlift.envs.tcg_pocket.reference.chance import shuffle
from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.reference.state import ACTIVE, Game, InHand, Player, Pokemon


@rule
def room_in_hand(player: Player) -> bool:
    """H-1: a hand takes cards by drawing and searching up to its limit."""
    if len(player.hand) < player.hand_limit:
        return True
    note("H-1")
    return False


@rule
def draw(player: Player, n: int) -> None:
    """H-1, H-2, W-3: n single draws from the top; nothing without room or without cards."""
    for _ in range(n):
        if not player.deck:
            note("W-3")
        elif room_in_hand(player):
            note("H-2")
            player.hand.append(InHand(player.deck.pop(0)))
            player.deck_known = max(0, player.deck_known - 1)


@rule
def shuffle_deck(game: Game, player: Player) -> None:
    """H-5: put the deck in random order; what was known of it is forgotten."""
    shuffle(game.chance, player.deck)
    player.deck_known = 0


@rule
def mill(player: Player, n: int) -> None:
    """X-11: discard from the top of the deck."""
    for _ in range(min(n, len(player.deck))):
        player.discard.append(player.deck.pop(0))
        player.deck_known = max(0, player.deck_known - 1)


@rule
def put_on_bench(player: Player, card: int) -> None:
    """P-1: a Basic Pokémon comes to the lowest free Bench place and is ``new``."""
    place = player.free_bench
    assert place is not None, "the Bench is full"
    player.places[place] = Pokemon([card], new=True)


@rule
def evolve(player: Player, place: int, card: int) -> None:
    """P-3: damage and Energy stay; conditions, lasting effects and ``ability_used`` go."""
    pokemon = player.places[place]
    assert pokemon is not None, "there is no Pokémon to evolve"
    pokemon.cards.append(card)
    pokemon.leave_active_spot()
    pokemon.ability_used = False
    pokemon.new = True


@rule
def swap(player: Player, place: int) -> None:
    """R-5, R-6: the Active Pokémon and a Benched one exchange their places."""
    player.active.leave_active_spot()
    places = player.places
    places[ACTIVE], places[place] = places[place], places[ACTIVE]


@rule
def leave_play(player: Player, place: int) -> list[int]:
    """G-2, X-21: take a Pokémon out of play; its Energy is discarded.

    Returns:
        The cards of its stack, the oldest stage first.
    """
    pokemon = player.places[place]
    assert pokemon is not None, "there is no Pokémon to remove"
    player.places[place] = None
    for number, units in enumerate(pokemon.energy):
        player.discarded_energy[number] += units
    return pokemon.cards


@rule
def discard_energy(player: Player, pokemon: Pokemon, number: int, n: int = 1) -> None:
    """K-6: discard n units of a type, or as many as there are."""
    units = min(n, pokemon.energy[number])
    if units < n:
        note("K-6")
    pokemon.energy[number] -= units
    player.discarded_energy[number] += units


@rule
def discard_random_energy(game: Game, player: Player, pokemon: Pokemon) -> None:
    """N-7, F-5: discard one unit, each equally likely."""
    total = sum(pokemon.energy)
    if total == 0:
        return
    at = game.chance.below(total)
    for number, units in enumerate(pokemon.energy):
        if at < units:
            discard_energy(player, pokemon, number)
            return
        at -= units
