"""A game as fields of fixed shape, and back; what a player sees of it (I).

Nothing is lost: a game that is written out and read again goes on in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from envlift.envs.tcg_pocket.reference.options import NUM_ACTIONS, legal
from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.reference.state import (
    ACTIVE,
    PLACES,
    Game,
    InHand,
    Options,
    Pending,
    Phase,
    Player,
    Pokemon,
)
from envlift.envs.tcg_pocket.tables import ENERGY, Tables, standard

MOST_HELD = 12
"""H-3: what a hand can hold at most."""
DECK = 20


class Field(NamedTuple):
    """A field of a written game."""

    name: str
    dtype: str
    shape: tuple[int, ...] = ()


FIELDS = (
    Field("phase", "uint8"),
    Field("turn", "int16"),
    Field("first_player", "uint8"),
    Field("decision", "uint8"),
    Field("decider", "int8"),
    Field("winner", "int8"),
    Field("points", "uint8", (2,)),
    Field("supporter_played", "bool"),
    Field("retreated", "bool"),
    Field("turn_damage_any", "int16"),
    Field("turn_damage_named", "int16"),
    Field("turn_damage_card", "uint16"),
    Field("turn_retreat", "uint8"),
    Field("no_supporter", "bool", (2,)),
    Field("attack_now", "uint8"),
    Field("attack_last", "uint8", (2,)),
    Field("attack_uses", "uint8", (2, 2)),
    Field("zone_current", "int8", (2,)),
    Field("zone_next", "int8", (2,)),
    Field("card", "uint16", (2, 4)),
    Field("under", "uint16", (2, 4, 2)),
    Field("damage", "int16", (2, 4)),
    Field("energy", "uint8", (2, 4, 8)),
    Field("new", "bool", (2, 4)),
    Field("ability_used", "bool", (2, 4)),
    Field("poisoned", "bool", (2,)),
    Field("burned", "bool", (2,)),
    Field("condition", "uint8", (2,)),
    Field("paralyzed_turn", "int16", (2,)),
    Field("deals_less", "int16", (2,)),
    Field("takes_less", "int16", (2,)),
    Field("counter", "int16", (2,)),
    Field("no_attack", "bool", (2,)),
    Field("no_retreat", "bool", (2,)),
    Field("prevent", "uint8", (2,)),
    Field("attack_more", "int16", (2,)),
    Field("attack_more_name", "uint8", (2,)),
    Field("attack_more_until", "int16", (2,)),
    Field("hand", "uint16", (2, MOST_HELD)),
    Field("hand_known", "bool", (2, MOST_HELD)),
    Field("hand_size", "uint8", (2,)),
    Field("deck_size", "uint8", (2,)),
    Field("deck", "uint16", (2, DECK)),
    Field("deck_known", "uint8", (2,)),
    Field("discard", "uint16", (2, DECK)),
    Field("discarded_energy", "int16", (2, 8)),
    Field("deck_list", "uint16", (2, DECK)),
    Field("deck_energy", "bool", (2, 8)),
    Field("pending_kind", "uint8"),
    Field("pending_card", "uint16"),
    Field("pending_place", "int8"),
    Field("pending_slot", "int8"),
    Field("pending_attack", "int8"),
    Field("copied_card", "uint16"),
    Field("copied_attack", "int8"),
    Field("pending_step", "uint8"),
    Field("pending_op", "uint8"),
    Field("pending_heads", "uint8"),
    Field("pending_coins", "uint8"),
    Field("pending_damage", "int16"),
    Field("pending_target", "int8"),
    Field("pending_units", "uint8"),
    Field("pending_chosen", "uint8"),
    Field("end_place", "int8"),
)
"""All fields, in their order; an axis of 2 first is one of players."""

GAME_FIELDS = (
    *("phase", "turn", "first_player", "decision", "decider", "winner", "supporter_played"),
    *("retreated", "turn_damage_any", "turn_damage_named", "turn_damage_card", "turn_retreat"),
    *("attack_now", "end_place"),
)
PLAYER_FIELDS = (
    *("points", "no_supporter", "attack_last", "zone_current", "zone_next", "deck_known"),
)
PLACE_FIELDS = ("damage", "new", "ability_used")
ACTIVE_FIELDS = (
    *("poisoned", "burned", "condition", "paralyzed_turn", "deals_less", "takes_less", "counter"),
    *("no_attack", "no_retreat", "prevent"),
    *("attack_more", "attack_more_name", "attack_more_until"),
)
PENDING_FIELDS = {
    field.name: field.name.removeprefix("pending_")
    for field in FIELDS
    if field.name.startswith(("pending_", "copied_"))
}
"""Field -> its name in ``Pending``."""
OF_POKEMON = ("card", "under", *PLACE_FIELDS, "energy", *ACTIVE_FIELDS)


def _padded(values: list[int], length: int) -> list[int]:
    assert len(values) <= length, f"{len(values)} things do not fit into {length} places"
    return values + [0] * (length - len(values))


def write(game: Game) -> dict[str, Any]:
    """Return every field of a game, as numbers and nested lists."""
    written: dict[str, Any] = {name: getattr(game, name) for name in GAME_FIELDS}
    written |= {name: getattr(game.pending, own) for name, own in PENDING_FIELDS.items()}
    both = [_write_player(player) for player in game.players]
    written |= {name: [side[name] for side in both] for name in both[0]}
    return {field.name: written[field.name] for field in FIELDS}


def _write_player(player: Player) -> dict[str, Any]:
    written: dict[str, Any] = {name: getattr(player, name) for name in PLAYER_FIELDS}
    nobody = Pokemon([])
    pokemon = [p if p is not None else nobody for p in player.places]
    for name in PLACE_FIELDS:
        written[name] = [getattr(p, name) for p in pokemon]
    for name in ACTIVE_FIELDS:
        written[name] = getattr(pokemon[ACTIVE], name)
    written["card"] = [p.cards[-1] if p.cards else 0 for p in pokemon]
    written["under"] = [_padded(p.cards[:-1], 2) for p in pokemon]
    written["energy"] = [list(p.energy) for p in pokemon]
    written["attack_uses"] = list(player.attack_uses)
    written["hand"] = _padded([held.card for held in player.hand], MOST_HELD)
    written["hand_known"] = [bool(k) for k in _padded([h.known for h in player.hand], MOST_HELD)]
    written["hand_size"], written["deck_size"] = len(player.hand), len(player.deck)
    written["deck"] = _padded(player.deck, DECK)
    written["discard"] = _padded(sorted(player.discard), DECK)
    written["discarded_energy"] = list(player.discarded_energy)
    written["deck_list"] = list(player.deck_list)
    written["deck_energy"] = [number in player.deck_energy for number in range(len(ENERGY))]
    return written


def read(
    written: Mapping[str, Any], options: Options | None = None, tables: Tables | None = None
) -> Game:
    """Return the game that ``write`` wrote."""
    tables = tables or standard()
    players = [_read_player(written, side) for side in (0, 1)]
    for player in players:
        player.hand_limit, player.bench_size = tables.numbers.hand_limit, tables.numbers.bench
    game = Game(players, options or Options(), tables)
    for name in GAME_FIELDS:
        setattr(game, name, written[name])
    game.pending = Pending(**{own: written[name] for name, own in PENDING_FIELDS.items()})
    return game


def _read_player(written: Mapping[str, Any], side: int) -> Player:
    player = Player(
        list(written["deck_list"][side]),
        [number for number, named in enumerate(written["deck_energy"][side]) if named],
    )
    for name in PLAYER_FIELDS:
        setattr(player, name, written[name][side])
    player.attack_uses = list(written["attack_uses"][side])
    player.discarded_energy = list(written["discarded_energy"][side])
    player.discard = [card for card in written["discard"][side] if card]
    player.deck = list(written["deck"][side][: written["deck_size"][side]])
    held = zip(written["hand"][side], written["hand_known"][side], strict=True)
    player.hand = [InHand(*one) for one in list(held)[: written["hand_size"][side]]]
    for place in PLACES:
        top = written["card"][side][place]
        if top:
            pokemon = Pokemon([*(c for c in written["under"][side][place] if c), top])
            for name in PLACE_FIELDS:
                setattr(pokemon, name, written[name][side][place])
            pokemon.energy = list(written["energy"][side][place])
            player.places[place] = pokemon
    active = player.places[ACTIVE]
    for name in ACTIVE_FIELDS if active is not None else ():
        setattr(active, name, written[name][side])
    return player


def mask(game: Game, player: int) -> list[bool]:
    """Return which of all actions a player may choose."""
    possible = set(legal(game, player))
    return [action in possible for action in range(NUM_ACTIONS)]


@rule
def observe(game: Game, viewer: int) -> list[int]:
    """I-1 to I-5, S-5: return what a player sees, whole numbers in the order of ``FIELDS``.

    What has an axis of players shows the viewer first; ``first_player``, ``decider`` and ``winner``
    are 0 for the viewer. What the viewer may not know is 0.
    """
    seen = write(game)
    hide(game, seen, viewer)
    shown: list[int] = []
    for field in FIELDS:
        value = seen[field.name]
        if field.name in ("first_player", "decider", "winner"):
            value = value ^ viewer if value in (0, 1) else value
        if field.shape[:1] == (2,):
            value = [value[viewer], value[1 - viewer]]
        shown += _flat(value, len(field.shape))
    return shown


@rule
def hide(game: Game, seen: dict[str, Any], viewer: int) -> None:
    """I-2: put 0 where a written game holds what the viewer may not know."""
    other = 1 - viewer
    known = seen["deck_known"][viewer]
    seen["deck"] = [[0] * DECK, [0] * DECK]
    seen["deck"][viewer][:known] = game.players[viewer].deck[:known]
    seen["deck_known"][other] = 0
    hand = zip(seen["hand"][other], seen["hand_known"][other], strict=True)
    seen["hand"][other] = [card if shown else 0 for card, shown in hand]
    if game.options.open_decklists:
        note("I-5")
    else:
        seen["deck_list"][other] = [0] * DECK
        seen["deck_energy"][other] = [0] * len(ENERGY)
    if game.phase == Phase.SET_UP:
        note("S-5")
        for name in (*OF_POKEMON, "hand", "hand_known", "hand_size"):
            seen[name][other] = _zeros(seen[name][other])


def _flat(value: Any, axes: int) -> list[int]:
    for _ in range(axes - 1):
        value = [number for part in value for number in part]
    return [int(number) for number in value] if axes else [int(value)]


def _zeros(value: Any) -> Any:
    return [_zeros(part) for part in value] if isinstance(value, list) else 0
