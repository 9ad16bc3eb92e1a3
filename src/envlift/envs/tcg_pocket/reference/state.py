"""A game at a decision, as plain objects.

Shape letters are not needed: a list says how long it is. Energy is a list of eight counts, in the
order of N-2. Cards are indices of the tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from envlift.envs.tcg_pocket.reference.chance import Chance, Tape
from envlift.envs.tcg_pocket.reference.rulebook import note, rule
from envlift.envs.tcg_pocket.tables import ENERGY, REAL, Card, Tables, standard

ACTIVE = 0
PLACES = range(4)
TIE = 2
GOING_ON = -1


class Phase(IntEnum):
    """Which part of the game is played."""

    SET_UP = 0
    MAIN = 1
    END_OF_TURN = 2
    CHECKUP = 3
    OVER = 4


class Decision(IntEnum):
    """What is asked."""

    NONE = 0
    SETUP_ACTIVE = 1
    SETUP_BENCH = 2
    MAIN = 3
    EVOLVE = 4
    ATTACH = 5
    RETREAT = 6
    RETREAT_ENERGY = 7
    PROMOTE = 8
    SWITCH = 9
    HIT = 10
    HEAL = 11
    ENERGY = 12
    COPY = 13
    CHOOSE = 14


class Condition(IntEnum):
    """C-2: of these three the newest stays."""

    NONE = 0
    ASLEEP = 1
    PARALYZED = 2
    CONFUSED = 3


class Prevent(IntEnum):
    """What ``self_prevent`` keeps off (X-26)."""

    NOTHING = 0
    DAMAGE = 1
    DAMAGE_AND_EFFECTS = 2


class Work(IntEnum):
    """What is being carried out while somebody is asked."""

    NOTHING = 0
    TRAINER = 1
    ABILITY = 2
    ATTACK = 3
    RETREAT = 4
    EVOLVE = 5
    ATTACH = 6


@dataclass(frozen=True)
class Options:
    """The switches of the rules, with their defaults.

    Attributes:
        max_turns: T-11.
        opening: S-3, how a hand without a Basic is avoided.
        retreat_energy: R-4, who picks the Energy that pays a retreat.
        zone_trigger: X-28, which attachments the trigger sees.
        open_decklists: I-5.
    """

    max_turns: int = 30
    opening: Literal["redraw", "basic_first", "swap"] = "redraw"
    retreat_energy: Literal["choose", "random"] = "choose"
    zone_trigger: Literal["any", "z4_only"] = "any"
    open_decklists: bool = False

    def __post_init__(self) -> None:
        """Refuse what is not an option.

        Raises:
            ValueError: naming the value and what is possible.
        """
        known = {
            "opening": ("redraw", "basic_first", "swap"),
            "retreat_energy": ("choose", "random"),
            "zone_trigger": ("any", "z4_only"),
        }
        for name, values in known.items():
            given = getattr(self, name)
            if given not in values:
                raise ValueError(f"{name}={given!r} is not known; choose one of {values}")
        if not 1 <= self.max_turns <= 1000:
            raise ValueError(f"max_turns={self.max_turns!r} is out of range; it is 1 to 1000")


@dataclass
class Pokemon:
    """N-3: a Pokémon in play.

    Attributes:
        cards: of the stack, the oldest stage first; the last is the top card.
        damage: in hit points.
        energy: units per type.
        new: came into play or evolved this turn.
        ability_used: this turn.
        poisoned, burned, condition: Special Conditions (C).
        paralyzed_turn: the turn in which it was last Paralyzed (U-4), 0 unless it is.
        deals_less, takes_less, counter: sums of lasting effects on it (L-4).
        no_attack, no_retreat: lasting effects on it.
        prevent: ``self_prevent``.
        attack_more: more damage for the attack of the name ``attack_more_name``, a number of
            ``Tables.watched``, until the end of the turn ``attack_more_until``.
    """

    cards: list[int]
    damage: int = 0
    energy: list[int] = field(default_factory=lambda: [0] * len(ENERGY))
    new: bool = False
    ability_used: bool = False
    poisoned: bool = False
    burned: bool = False
    condition: int = Condition.NONE
    paralyzed_turn: int = 0
    deals_less: int = 0
    takes_less: int = 0
    counter: int = 0
    no_attack: bool = False
    no_retreat: bool = False
    prevent: int = Prevent.NOTHING
    attack_more: int = 0
    attack_more_name: int = 0
    attack_more_until: int = 0

    @property
    def held(self) -> bool:
        """Whether a lasting effect lies on it."""
        numbers = self.deals_less or self.takes_less or self.counter or self.attack_more
        return bool(numbers or self.no_attack or self.no_retreat or self.prevent)

    @rule
    def leave_active_spot(self) -> None:
        """R-5, C-4, L-2, L-5: Special Conditions and lasting effects end; by evolving, too."""
        if self.poisoned or self.burned or self.condition:
            note("C-4")
        if self.held:
            note("L-2")
        self.poisoned = self.burned = False
        self.condition, self.paralyzed_turn = Condition.NONE, 0
        self.deals_less = self.takes_less = self.counter = 0
        self.no_attack = self.no_retreat = False
        self.prevent = Prevent.NOTHING
        self.attack_more = self.attack_more_name = self.attack_more_until = 0


@dataclass
class InHand:
    """A card in a hand; ``known`` to the other player (I-3, I-4)."""

    card: int
    known: bool = False


@dataclass
class Player:
    """N-4: what one player has.

    Attributes:
        deck_list: the 20 cards, sorted.
        deck_energy: the types that the deck names (D-4), numbers in the order of N-2.
        places: the Active Spot and three Bench places.
        hand: in the order of arrival.
        deck: the top card first.
        deck_known: how many cards from the top its owner knows.
        discard: cards, in any order (H-6).
        discarded_energy: units per type.
        points: G-3.
        zone_current, zone_next: Z-1, a type or -1.
        no_supporter: until the end of this player's next turn.
        attack_last: the watched attack used in the last own turn, 0 for none.
        attack_uses: how often each watched attack was used in this game.
        hand_limit, bench_size: numbers of the rules.
    """

    deck_list: list[int]
    deck_energy: list[int]
    places: list[Pokemon | None] = field(default_factory=lambda: [None] * len(PLACES))
    hand: list[InHand] = field(default_factory=list)
    deck: list[int] = field(default_factory=list)
    deck_known: int = 0
    discard: list[int] = field(default_factory=list)
    discarded_energy: list[int] = field(default_factory=lambda: [0] * len(ENERGY))
    points: int = 0
    zone_current: int = -1
    zone_next: int = -1
    no_supporter: bool = False
    attack_last: int = 0
    attack_uses: list[int] = field(default_factory=lambda: [0, 0])
    hand_limit: int = REAL.hand_limit
    bench_size: int = REAL.bench

    @property
    def active(self) -> Pokemon:
        """The Active Pokémon; ask only where there is one."""
        found = self.places[ACTIVE]
        assert found is not None, "there is no Active Pokémon"
        return found

    @property
    def in_play(self) -> list[tuple[int, Pokemon]]:
        """Place and Pokémon, in the order of the places."""
        return [(place, p) for place, p in enumerate(self.places) if p is not None]

    @property
    def bench(self) -> list[tuple[int, Pokemon]]:
        """The same of the Bench alone."""
        return [(place, p) for place, p in self.in_play if place != ACTIVE]

    @property
    def free_bench(self) -> int | None:
        """The lowest free Bench place."""
        return next((k for k in range(1, 1 + self.bench_size) if self.places[k] is None), None)


@dataclass
class Pending:
    """What is being carried out, so that a game can be taken up at any decision.

    Attributes:
        kind: see ``Work``.
        card: the Trainer, or the top card of who uses an Ability or attacks.
        place: of the Ability's user, or whom a retreat brings up; -1 for none.
        slot: of the hand, of the Evolution card; -1 for none.
        attack: 0 or 1, -1 for none.
        copied_card, copied_attack: what COPY_ATTACK carries out; 0 and -1 for nothing.
        step: of K-4 for an attack; 8 while effects of others are carried out, 9 after them.
        op: the effect code that asks, or that comes next.
        heads, coins: of the last FLIP.
        damage: done to the opponent's Active Pokémon by this attack.
        target: place that was chosen, -1 for none.
        units: of Energy, left to place or to pay.
        chosen: bits of the places chosen already.
    """

    kind: int = Work.NOTHING
    card: int = 0
    place: int = -1
    slot: int = -1
    attack: int = -1
    copied_card: int = 0
    copied_attack: int = -1
    step: int = 0
    op: int = 0
    heads: int = 0
    coins: int = 0
    damage: int = 0
    target: int = -1
    units: int = 0
    chosen: int = 0


@dataclass
class Game:
    """A game of two players.

    Attributes:
        players: N-1.
        options: the switches of the rules.
        tables: the cards.
        chance: where draws come from, replaced before each step.
        answer: the action just given, until a rule takes it.
        end_place: where T-10 goes on after a promotion, -1 while it does not run.
        Others: as ``TURN_*`` and per-turn flags of the rules say.
    """

    players: list[Player]
    options: Options = field(default_factory=Options)
    tables: Tables = field(default_factory=standard)
    chance: Chance = field(default_factory=lambda: Tape(0, 0))
    answer: int | None = None
    phase: int = Phase.SET_UP
    turn: int = 0
    first_player: int = 0
    decision: int = Decision.NONE
    decider: int = -1
    winner: int = GOING_ON
    supporter_played: bool = False
    retreated: bool = False
    turn_damage_any: int = 0
    turn_damage_named: int = 0
    turn_damage_card: int = 0
    turn_retreat: int = 0
    attack_now: int = 0
    end_place: int = -1
    pending: Pending = field(default_factory=Pending)

    @property
    def turn_player(self) -> int:
        """T-1: the first player has the odd turns."""
        return (self.first_player + self.turn + 1) % 2

    @property
    def own(self) -> Player:
        """The turn player's side."""
        return self.players[self.turn_player]

    @property
    def other(self) -> Player:
        """The opponent's side (N-1)."""
        return self.players[1 - self.turn_player]

    def card(self, index: int) -> Card:
        """Return a card of the tables."""
        return self.tables.cards[index]

    def top(self, pokemon: Pokemon) -> Card:
        """Return the top card of a Pokémon in play."""
        return self.tables.cards[pokemon.cards[-1]]

    def knocked_out(self, pokemon: Pokemon) -> bool:
        """G-1: whether its damage is at least its HP."""
        return pokemon.damage >= self.top(pokemon).hp
