"""What both players see (I): the fields of the state, relative to the viewer, the hidden ones 0."""

# mypy: ignore-errors

from enum import IntEnum

import warp as wp

from envlift.envs.tcg_pocket.rules.ids import Phase
from envlift.envs.tcg_pocket.rules.memory import PLACES, STATE_SIZE, At
from envlift.targets.warp_numbers import Numbers, cold_rule, lookup, rule


class Shown(IntEnum):
    """How a field is shown."""

    OPEN = 0
    PLAYER = 1  # a player, made relative to the viewer
    HAND = 2  # the other's: what is known of it
    DECK = 3  # the own: what is known of it
    OWN = 4  # the other's: never
    LIST = 5  # the other's: with open decklists
    PLACED = 6  # the other's: not in set-up


SHOWN = {
    **dict.fromkeys(("first_player", "decider", "winner"), Shown.PLAYER),
    **dict.fromkeys(("deck_list", "deck_energy"), Shown.LIST),
    **dict.fromkeys(("card", "under", "damage", "energy", "new", "ability_used"), Shown.PLACED),
    **dict.fromkeys(("hand_known", "hand_size"), Shown.PLACED),
    "hand": Shown.HAND,
    "deck": Shown.DECK,
    "deck_known": Shown.OWN,
}

SINGLE = {
    *("phase", "turn", "first_player", "decision", "decider", "winner", "supporter_played"),
    *("retreated", "turn_damage_any", "turn_damage_named", "turn_damage_card", "turn_retreat"),
    *("attack_now", "copied_card", "copied_attack", "end_place"),
    *(p.name for p in PLACES if p.name.startswith("pending_")),
}
"""Fields that are not one per player."""

ROWS = [[p.start, (p.size or 1), int(p.name not in SINGLE), SHOWN.get(p.name, 0)] for p in PLACES]
NUM_FIELDS = len(ROWS)

field_row = lookup(ROWS)


@rule
def relative(player: wp.int32, viewer: wp.int32) -> wp.int32:
    """Return 0 for the viewer, 1 for the other; what is no player stays."""
    if player == 0 or player == 1:
        return wp.where(player == viewer, 0, 1)
    return player


@cold_rule
def of_player(
    b: Numbers, out: Numbers, to: wp.int32, start: wp.int32, i: wp.int32, shown: wp.int32
):
    """Write one player's part of a field; ``i`` packs what is hidden.

    Args:
        b: the game.
        out: what is shown.
        to: where this part goes.
        start: where it lies in the game.
        i: length + 64 * (2 * player + (1 for the viewer's own)).
        shown: see ``Shown``.
    """
    count = i % 64
    p = i // 128
    own = (i // 64) % 2 == 1
    setup = b[At.PHASE] == Phase.SETUP
    k = wp.int32(0)
    while k < count:
        visible = own
        if shown == Shown.OPEN:
            visible = True
        elif shown == Shown.HAND:
            visible = own or (b[At.HAND_KNOWN + p * 12 + k % 12] == 1 and not setup)
        elif shown == Shown.DECK:
            visible = own and k < b[At.DECK_KNOWN + p]
        elif shown == Shown.PLACED:
            visible = own or not setup
        if visible:
            out[to + k] = b[start + k]
        k = k + 1


@cold_rule
def player(b: Numbers, out: Numbers, at: wp.int32, viewer: wp.int32, open_lists: wp.int32):
    """Write what one player sees into numbers that are 0, from ``at`` on."""
    f = wp.int32(0)
    while f < NUM_FIELDS:
        start = field_row(f, 0)
        size = field_row(f, 1)
        shown = field_row(f, 3)
        if shown == Shown.LIST and open_lists == 1:
            shown = wp.int32(Shown.OPEN)
        if field_row(f, 2) == 0:
            k = wp.int32(0)
            while k < size:
                if shown == Shown.PLAYER:
                    out[at + start + k] = relative(b[start + k], viewer)
                else:
                    out[at + start + k] = b[start + k]
                k = k + 1
        else:
            half = size // 2
            other = 1 - viewer
            first = half + 64 * (2 * viewer + 1)
            of_player(b, out, at + start, start + viewer * half, first, shown)
            second = half + 64 * (2 * other)
            of_player(b, out, at + start + half, start + other * half, second, shown)
        f = f + 1


@rule
def players(b: Numbers, out: Numbers):
    """Write what both players see, with hidden decklists."""
    player(b, out, 0, 0, 0)
    player(b, out, STATE_SIZE, 1, 0)


@rule
def players_with_lists(b: Numbers, out: Numbers):
    """Write what both players see, with open decklists."""
    player(b, out, 0, 0, 1)
    player(b, out, STATE_SIZE, 1, 1)
