"""A game as a picture, and as a line of text per decision: our own drawing, no pictures of cards.

Shape letters: ``H``, ``W`` height and width of a picture.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

import numpy as np

from envlift.envs.tcg_pocket.rules.ids import Action, Decision
from envlift.envs.tcg_pocket.state import State
from envlift.envs.tcg_pocket.tables import ENERGY, Card
from envlift.envs.tcg_pocket.tables.variants import playing

WIDTH, HEIGHT = 640, 560
CARD_WIDTH, CARD_HEIGHT = 140, 92
TABLE, PANEL, ACTIVE, TEXT, WEAK, GOOD, BAD = (
    *("#16202e", "#233247", "#30456a", "#f2f5fa", "#93a4bd", "#5bbf7a", "#d9645f"),
)
TYPES = {
    "G": "#5bb04c",
    "R": "#e0663c",
    "W": "#4a9be0",
    "L": "#e8c53f",
    "P": "#b066c9",
    "F": "#b9774a",
    "D": "#4c5a6a",
    "M": "#9aa7b4",
}
CONDITIONS = ("", "asleep", "paralyzed", "confused")


class Box(NamedTuple):
    """A filled rectangle, in pixels."""

    x: float
    y: float
    width: float
    height: float
    colour: str


class Words(NamedTuple):
    """Text from a point on, in pixels."""

    x: float
    y: float
    size: int
    colour: str
    text: str


def _card(number: Any) -> Card:
    return playing().cards[int(number)]


def conditions(state: State, player: int) -> list[str]:
    """Return the Special Conditions of a player's Active Pokémon."""
    found = [CONDITIONS[int(state.condition[player])]]
    found += ["poisoned"] * bool(state.poisoned[player]) + ["burned"] * bool(state.burned[player])
    return [name for name in found if name]


def _pokemon(state: State, p: int, k: int, x: float, y: float) -> Iterator[Box | Words]:
    card = _card(state.card[p, k])
    yield Box(x, y, CARD_WIDTH, CARD_HEIGHT, ACTIVE if k == 0 else PANEL)
    if not card.index:
        return
    left = max(card.hp - int(state.damage[p, k]), 0)
    yield Words(x + 6, y + 5, 13, TEXT, card.name)
    yield Words(x + 6, y + 22, 12, WEAK, f"{left} / {card.hp} HP")
    yield Box(x + 6, y + 40, CARD_WIDTH - 12, 6, "#0d1420")
    share = left / card.hp
    yield Box(x + 6, y + 40, (CARD_WIDTH - 12) * share, 6, GOOD if share > 0.3 else BAD)
    place = 0
    for letter, units in zip(ENERGY, np.asarray(state.energy[p, k]), strict=True):
        for _ in range(int(units)):
            if place < 9:
                yield Box(x + 6 + 14 * place, y + 53, 11, 11, TYPES[letter])
                yield Words(x + 8 + 14 * place, y + 53, 9, TABLE, letter)
            place += 1
    if k == 0:
        yield Words(x + 6, y + 72, 11, BAD, ", ".join(conditions(state, p)))


def drawing(state: State) -> Iterator[Box | Words]:
    """Return what a picture of one game is made of; player 1 is above, player 0 below."""
    yield Box(0, 0, WIDTH, HEIGHT, TABLE)
    middle = (WIDTH - CARD_WIDTH) / 2
    for p, active_y, bench_y, line_y in ((1, 150, 40, 12), (0, 300, 420, 526)):
        yield from _pokemon(state, p, 0, middle, active_y)
        for k in (1, 2, 3):
            x = middle + (k - 2) * (CARD_WIDTH + 16)
            yield from _pokemon(state, p, k, x, bench_y)
        zone = [int(state.zone_current[p]), int(state.zone_next[p])]
        shown = " then ".join("-" if e < 0 else ENERGY[e] for e in zone)
        yield Words(
            *(12, line_y, 13, TEXT),
            f"player {p}: {int(state.points[p])} points, hand {int(state.hand_size[p])}, "
            f"deck {int(state.deck_size[p])}, Energy {shown}",
        )
    yield Words(12, 262, 13, WEAK, f"turn {int(state.turn)}")
    yield Words(WIDTH - 190, 262, 13, WEAK, _waiting(state))


def _waiting(state: State) -> str:
    winner = int(state.winner)
    if winner >= 0:
        return "tie" if winner > 1 else f"player {winner} has won"
    return f"player {int(state.decider)}: {Decision(int(state.decision)).name.lower()}"


def svg(state: State) -> str:
    """Draw one game as SVG."""
    parts = []
    for part in drawing(state):
        if isinstance(part, Box):
            x, y, width, height, colour = part
            parts.append(
                f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{colour}"/>'
            )
        else:
            x, y, size, colour, text = part
            parts.append(
                f'<text x="{x:g}" y="{y + size:g}" font-size="{size}" fill="{colour}">'
                f"{escape(text)}</text>"
            )
    head = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {head}>\n' + "\n".join(parts) + "\n</svg>\n"


def frame(state: State, scale: float = 1.0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw one game.

    Args:
        state: of one game.
        scale: 1 for 640 pixels of width, above 0.

    Returns:
        uint8 [H, W, 3], red, green and blue; at scale 1, H = 560 and W = 640.
    """
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (round(WIDTH * scale), round(HEIGHT * scale)), TABLE)
    draw = ImageDraw.Draw(image)
    for part in drawing(state):
        if isinstance(part, Box):
            x, y, width, height, colour = part
            if width >= 1 and height >= 1:
                corners = [x * scale, y * scale, (x + width) * scale - 1, (y + height) * scale - 1]
                draw.rectangle(corners, fill=colour)
        else:
            x, y, size, colour, text = part
            font = ImageFont.load_default(size=size * scale)
            draw.text((x * scale, y * scale), text, fill=colour, font=font)
    return np.asarray(image)


def _place(state: State, player: int, place: int) -> str:
    where = "Active Spot" if place == 0 else f"Bench {place}"
    return f"{_card(state.card[player, place]).name} ({where})"


def told(state: State, action: int) -> str:
    """Return what an action of the decider means, as a line of text.

    Args:
        state: of one game, before the action.
        action: a legal action.
    """
    p, decision = int(state.decider), Decision(int(state.decision))
    if p < 0:
        return "the game is over"
    active = _card(state.card[p, 0])
    if action == Action.PASS:
        what = "waits"
    elif action < Action.ATTACH:
        what = f"plays {_card(state.hand[p, action - Action.HAND]).name}"
    elif action == Action.ATTACH:
        what = f"attaches {ENERGY[int(state.zone_current[p])]}"
    elif action == Action.RETREAT:
        what = f"retreats {active.name}"
    elif action < Action.DISCARD_FOSSIL:
        k = action - Action.ABILITY
        ability = _card(state.card[p, k]).ability
        what = f"uses {ability.name if ability else 'an Ability'} of {_place(state, p, k)}"
    elif action < Action.ATTACK:
        what = f"discards {_place(state, p, action - Action.DISCARD_FOSSIL)}"
    elif action < Action.END:
        what = f"{active.name} attacks with {active.attacks[action - Action.ATTACK].name}"
    elif action == Action.END:
        what = "ends the turn" if decision == Decision.MAIN else "places no more"
    elif action < Action.OPPOSING:
        what = f"{decision.name.lower()}: {_place(state, p, action - Action.OWN)}"
    elif action < Action.ENERGY:
        what = f"{decision.name.lower()}: {_place(state, 1 - p, action - Action.OPPOSING)}"
    elif action < Action.COPY:
        what = f"discards {ENERGY[action - Action.ENERGY]}"
    else:
        place, number = divmod(action - Action.COPY, 2)
        what = f"copies {_card(state.card[1 - p, place]).attacks[number].name}"
    return f"turn {int(state.turn)}, player {p}: {what}"


def happened(before: State, after: State) -> Iterator[str]:
    """Yield what an action did, as lines of text: damage, conditions, knock-outs and points.

    Args:
        before: of one game, before the action.
        after: the same game after it.
    """
    for p in (0, 1):
        # Two of one name may have changed places: then nothing was done to either.
        moved = _in_play(before, p) == _in_play(after, p)
        for k in () if moved else range(4):
            card = int(after.card[p, k])
            if card == 0 or card != int(before.card[p, k]):
                continue
            done = int(after.damage[p, k]) - int(before.damage[p, k])
            if done:
                left = max(_card(card).hp - int(after.damage[p, k]), 0)
                what = f"{done} damage" if done > 0 else f"{-done} healed"
                yield f"player {p}, {_place(after, p, k)}: {what}, {left} HP left"
        old, new = conditions(before, p), conditions(after, p)
        if new and new != old:
            yield f"player {p}, {_place(after, p, 0)}: {' and '.join(new)}"
        won = int(after.points[p]) - int(before.points[p])
        if won:
            gone = Counter(before.card[1 - p].tolist()) - Counter(after.card[1 - p].tolist())
            for card in gone:
                yield f"player {1 - p}, {_card(card).name}: knocked out"
            yield f"player {p}: {won} point{'s' * (won > 1)} more, {int(after.points[p])} in all"
    if int(after.winner) >= 0:
        yield "a tie" if int(after.winner) > 1 else f"player {int(after.winner)} has won"


def _in_play(state: State, player: int) -> Counter[tuple[int, int]]:
    pairs = zip(state.card[player].tolist(), state.damage[player].tolist(), strict=True)
    return Counter(pairs)


def tell(
    draws: Any,
    actions: np.ndarray[Any, Any],
    options: Mapping[str, Any],
    states: Sequence[State],
) -> str:
    """Return a game as text, a line for each action and indented ones for what it did.

    Args:
        draws: not looked at.
        actions: int32 [T, 2].
        options: not looked at.
        states: T + 1 of them.
    """
    lines = []
    for before, after, joint in zip(states[:-1], states[1:], actions, strict=True):
        lines.append(told(before, int(joint[max(int(before.decider), 0)])))
        lines += [f"  {line}" for line in happened(before, after)]
    return "\n".join(lines) + "\n"
