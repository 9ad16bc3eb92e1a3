"""The state of one game at a decision; rules N to L of ``rules.md`` say what the names mean.

Shapes: 2 players, 4 places (0 is the Active Spot, 1 to 3 the Bench), 2 earlier stages, 12 cards of
a hand, 20 of a deck, 8 types of Energy. Cards are numbers of ``tables``, 0 for none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple, get_type_hints

import jax


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """One game at a decision. What is not in use is 0, or -1 where the values begin with -1.

    Attributes:
        phase, decision: see ``rules.ids``.
        turn: 0 in set-up, then from 1.
        first_player: who has the odd turns.
        decider: who decides, -1 when it is over.
        winner: -1 while it lasts, 0 or 1, 2 for a tie.
        points: of a player.
        supporter_played, retreated: by the turn player in this turn.
        turn_damage_any, turn_damage_named: more damage in this turn, of all and of named Pokémon.
        turn_damage_card: the card that has those names.
        turn_retreat: how much cheaper retreats are in this turn.
        no_supporter: may not play Supporters, to the end of the own next turn.
        attack_now: the watched attack used in this turn, from 1; attacks are watched that an effect
            asks for by name.
        attack_last: the one used in a player's last finished turn.
        attack_uses: how often a player has used each watched attack.
        zone_current, zone_next: types in the Energy Zone, -1 for none.
        card, under: top card of each place, and the earlier stages below it, oldest first.
        damage: of the Pokémon in each place.
        energy: units of each type attached.
        new, ability_used: marks of this turn.
        poisoned, burned, condition: of the Active Pokémon; 1 asleep, 2 paralyzed, 3 confused.
        paralyzed_turn: the turn in which it got paralyzed, else 0.
        deals_less, takes_less, counter, no_attack, no_retreat: lasting effects on the Active
            Pokémon.
        prevent: 1 for damage, 2 for effects of attacks too.
        attack_more, attack_more_name, attack_more_until: more damage of a watched attack, to the
            end of a turn.
        hand, hand_known: in order of arrival; whether the other player knows the card.
        hand_size, deck_size: numbers of cards.
        deck, deck_known: the top first; how many top cards the owner knows.
        discard: sorted, zeros last.
        discarded_energy: units of each type.
        deck_list, deck_energy: what the deck was made of, sorted; its types of Energy.
        pending_kind: this and all that follow say what is in progress: 1 Trainer, 2 Ability,
            3 attack, 4 retreat, 5 evolving, 6 attaching; its card; its place; the slot of the hand;
            the attack and whose attack it copies; the step of rule K-4; the effect code that asks
            or comes next; heads and coins of the last flip; damage done to the opponent's Active
            Pokémon; the chosen target; units of Energy left; bits of places already chosen.
        end_place: at the end of a turn, the next place whose Ability is looked at.
    """

    phase: Annotated[jax.Array, "uint8"]
    turn: Annotated[jax.Array, "int16"]
    first_player: Annotated[jax.Array, "uint8"]
    decision: Annotated[jax.Array, "uint8"]
    decider: Annotated[jax.Array, "int8"]
    winner: Annotated[jax.Array, "int8"]
    points: Annotated[jax.Array, "uint8", 2]
    supporter_played: Annotated[jax.Array, "bool"]
    retreated: Annotated[jax.Array, "bool"]
    turn_damage_any: Annotated[jax.Array, "int16"]
    turn_damage_named: Annotated[jax.Array, "int16"]
    turn_damage_card: Annotated[jax.Array, "uint16"]
    turn_retreat: Annotated[jax.Array, "uint8"]
    no_supporter: Annotated[jax.Array, "bool", 2]
    attack_now: Annotated[jax.Array, "uint8"]
    attack_last: Annotated[jax.Array, "uint8", 2]
    attack_uses: Annotated[jax.Array, "uint8", 2, 2]
    zone_current: Annotated[jax.Array, "int8", 2]
    zone_next: Annotated[jax.Array, "int8", 2]

    card: Annotated[jax.Array, "uint16", 2, 4]
    under: Annotated[jax.Array, "uint16", 2, 4, 2]
    damage: Annotated[jax.Array, "int16", 2, 4]
    energy: Annotated[jax.Array, "uint8", 2, 4, 8]
    new: Annotated[jax.Array, "bool", 2, 4]
    ability_used: Annotated[jax.Array, "bool", 2, 4]

    poisoned: Annotated[jax.Array, "bool", 2]
    burned: Annotated[jax.Array, "bool", 2]
    condition: Annotated[jax.Array, "uint8", 2]
    paralyzed_turn: Annotated[jax.Array, "int16", 2]
    deals_less: Annotated[jax.Array, "int16", 2]
    takes_less: Annotated[jax.Array, "int16", 2]
    counter: Annotated[jax.Array, "int16", 2]
    no_attack: Annotated[jax.Array, "bool", 2]
    no_retreat: Annotated[jax.Array, "bool", 2]
    prevent: Annotated[jax.Array, "uint8", 2]
    attack_more: Annotated[jax.Array, "int16", 2]
    attack_more_name: Annotated[jax.Array, "uint8", 2]
    attack_more_until: Annotated[jax.Array, "int16", 2]

    hand: Annotated[jax.Array, "uint16", 2, 12]
    hand_known: Annotated[jax.Array, "bool", 2, 12]
    hand_size: Annotated[jax.Array, "uint8", 2]
    deck_size: Annotated[jax.Array, "uint8", 2]
    deck: Annotated[jax.Array, "uint16", 2, 20]
    deck_known: Annotated[jax.Array, "uint8", 2]
    discard: Annotated[jax.Array, "uint16", 2, 20]
    discarded_energy: Annotated[jax.Array, "int16", 2, 8]
    deck_list: Annotated[jax.Array, "uint16", 2, 20]
    deck_energy: Annotated[jax.Array, "bool", 2, 8]

    pending_kind: Annotated[jax.Array, "uint8"]
    pending_card: Annotated[jax.Array, "uint16"]
    pending_place: Annotated[jax.Array, "int8"]
    pending_slot: Annotated[jax.Array, "int8"]
    pending_attack: Annotated[jax.Array, "int8"]
    copied_card: Annotated[jax.Array, "uint16"]
    copied_attack: Annotated[jax.Array, "int8"]
    pending_step: Annotated[jax.Array, "uint8"]
    pending_op: Annotated[jax.Array, "uint8"]
    pending_heads: Annotated[jax.Array, "uint8"]
    pending_coins: Annotated[jax.Array, "uint8"]
    pending_damage: Annotated[jax.Array, "int16"]
    pending_target: Annotated[jax.Array, "int8"]
    pending_units: Annotated[jax.Array, "uint8"]
    pending_chosen: Annotated[jax.Array, "uint8"]
    end_place: Annotated[jax.Array, "int8"]


class Field(NamedTuple):
    """A field of the state."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def _fields() -> tuple[Field, ...]:
    hints = get_type_hints(State, include_extras=True)
    return tuple(Field(n, h.__metadata__[0], h.__metadata__[1:]) for n, h in hints.items())


FIELDS = _fields()
