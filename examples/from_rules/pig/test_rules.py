"""Tests of the rules of Pig; each cites what it tests."""

import numpy as np
import pytest
from examples.from_rules.pig.rules import HOLD, ROLL, Pig


def played(*moves: int | None, **options: object) -> Pig:
    """Play rolls by their dice, None holds."""
    game = Pig(**options)  # type: ignore[arg-type]
    for die in moves:
        game.step(HOLD if die is None else ROLL, die or 1)
    return game


def test_a_game_begins_empty() -> None:
    """S-1 to S-3, N-2: no points, no pot, player 0."""
    assert played().observation().tolist() == [0, 0, 0, 0, 0, 0]


def test_a_roll_fills_the_pot_and_a_one_empties_it() -> None:
    """R-1 to R-3, T-1, F-1: the turn goes on, or passes."""
    game = played(4, 2)
    assert (game.pot, game.turn) == (6, 0)
    game = played(4, 2, 1)
    assert (game.pot, game.turn, game.points) == (0, 1, [0, 0])


def test_holding_needs_a_pot() -> None:
    """T-2, H-1, H-2: nobody holds nothing."""
    assert played().legal_actions().tolist() == [True, False]
    game = played(5, None)
    assert (game.points, game.pot, game.turn) == ([5, 0], 0, 1)


def test_two_sixes_cost_all_points() -> None:
    """R-4, R-5: in one turn, one after the other, unless the switch says otherwise."""
    before = (5, None, 1)
    assert played(*before, 6, 6).points == [0, 0]
    assert played(*before, 6, 2, 6).pot == 14
    assert played(*before, 6, 6, two_sixes="nothing").pot == 12
    # The six of one turn is forgotten in the next.
    assert played(6, 1, 6).pot == 6


@pytest.mark.parametrize(("turns", "reward"), [((6, 5, None), 1.0), ((1, 6, 5, None), -1.0)])
def test_the_goal_is_reached_by_holding(turns: tuple[int | None, ...], reward: float) -> None:
    """E-1, E-2, W-1: the pot alone wins nothing."""
    game = played(*turns[:-1], goal=11)
    assert game.winner() == -1
    _, worth, over, _ = game.step(HOLD, 1)
    assert (worth, over) == (reward, True)


def test_a_long_game_is_a_tie() -> None:
    """E-3, W-2: after the limit, with no reward."""
    game = played(*[2] * 3, limit=4)
    _, worth, over, truncated = game.step(ROLL, 2)
    assert (worth, over, truncated) == (0.0, True, False)


def test_a_state_is_taken_up_again() -> None:
    game, other = played(5, None, 6), Pig()
    other.set_state(game.get_state())
    assert np.array_equal(other.observation(), game.observation())
