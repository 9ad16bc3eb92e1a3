"""The table of observations in ``docs/tcg-pocket.md``: ``python -m ...observation_table``."""

from __future__ import annotations

import math

from envlift.envs.tcg_pocket.observation import SINGLE, SIZE
from envlift.envs.tcg_pocket.state import FIELDS

MEANINGS = {
    "phase": "0 set-up, 1 main part, 2 end of the turn, 3 Checkup, 4 over",
    "turn": "0 in set-up, then from 1",
    "first_player": "who has the odd turns: 0 the viewer, 1 the other",
    "decision": "what is asked: `rules.ids.Decision`",
    "decider": "who is asked, as `first_player`; -1 when it is over",
    "winner": "as `first_player`; -1 while it lasts, 2 for a tie",
    "points": "of 3",
    "supporter_played": "1 if so in this turn",
    "retreated": "1 if so in this turn",
    "turn_damage_any": "more damage of all attacks in this turn",
    "turn_damage_named": "more damage of the Pokémon that a Trainer names, in this turn",
    "turn_damage_card": "that Trainer",
    "turn_retreat": "how much cheaper retreats are in this turn",
    "no_supporter": "1: may play none in the next own turn",
    "attack_now": "the attack of this turn, if an effect asks for it by name: 1 or 2",
    "attack_last": "the same of the last own turn",
    "attack_uses": "how often each of the two was used",
    "zone_current": "type of Energy to attach, -1 for none",
    "zone_next": "the one after it",
    "card": "card in each place, 0 for none",
    "under": "its earlier stages, two per place",
    "damage": "damage in each place",
    "energy": "units of each type, eight per place",
    "new": "1: came or evolved in this turn",
    "ability_used": "1: in this turn",
    "poisoned": "1 if the Active Pokémon is",
    "burned": "1 if the Active Pokémon is",
    "condition": "1 asleep, 2 paralyzed, 3 confused",
    "paralyzed_turn": "the turn in which it was paralyzed",
    "deals_less": "its attacks do less",
    "takes_less": "attacks do it less",
    "counter": "damage to who damages it",
    "no_attack": "1: it cannot attack",
    "no_retreat": "1: it cannot retreat",
    "prevent": "1: no damage of attacks, 2: nor their effects",
    "attack_more": "more damage of the attack of that number (`attack_now`)",
    "attack_more_name": "that number",
    "attack_more_until": "the turn with whose end it ends",
    "hand": "cards in order of arrival; of the other those that are known",
    "hand_known": "1: the other player knows the card",
    "hand_size": "cards",
    "deck_size": "cards",
    "deck": "top first; of the own deck what is known, of the other's nothing",
    "deck_known": "how many top cards the owner knows; of the other 0",
    "discard": "cards, sorted",
    "discarded_energy": "units of each type",
    "deck_list": "cards of the whole deck, sorted; the other's with `open_decklists` alone",
    "deck_energy": "its types; the other's with `open_decklists` alone",
    "pending_kind": "in progress: 1 Trainer, 2 Ability, 3 attack, 4 retreat, 5 evolving, "
    "6 attaching",
    "pending_card": "its card",
    "pending_place": "place of the Ability, or to bring up; -1",
    "pending_slot": "slot of the card that evolves; -1",
    "pending_attack": "the attack, 0 or 1; -1",
    "copied_card": "whose attack is copied",
    "copied_attack": "which one; -1",
    "pending_step": "step of rule K-4",
    "pending_op": "number of the effect that asks",
    "pending_heads": "heads of the last flip",
    "pending_coins": "its coins",
    "pending_damage": "damage done to the opponent's Active Pokémon",
    "pending_target": "place chosen; -1",
    "pending_units": "Energy still to be placed or paid",
    "pending_chosen": "bits of the places chosen already",
    "end_place": "place whose Ability comes next at the end of a turn; -1",
}


def rows() -> list[tuple[str, str, str]]:
    """Return ``(indices, name, meaning)`` of every field, own part first."""
    found: list[tuple[str, str, str]] = []
    place = 0
    for field in FIELDS:
        paired = field.name not in SINGLE
        count = math.prod(field.shape) // (2 if paired else 1)
        for side in ("own_", "foe_") if paired else ("",):
            shown = f"{place}" if count == 1 else f"{place} to {place + count - 1}"
            found.append((shown, side + field.name, MEANINGS[field.name]))
            place += count
    if place != SIZE:
        raise AssertionError(f"the table ends at {place}, observations at {SIZE}")
    return found


def table() -> str:
    """Return the table as Markdown."""
    lines = ["| index | name | meaning |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {a} | `{b}` | {c} |" for a, b, c in rows())])


if __name__ == "__main__":
    print(table())
