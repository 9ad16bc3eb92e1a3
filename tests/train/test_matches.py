"""Matches between contenders, and ratings of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.train.games import matches, ratings
from tests.contract.duel import Duel

SEEDS = 40


@pytest.fixture(scope="module")
def game() -> Duel:
    return Duel(horizon=30, autoreset="disabled")


def played(game, one: str, other: str, key: int = 3) -> matches.Results:
    bots = matches.bots(game)
    play = matches.match(game, bots, bots, SEEDS)
    numbers = matches.bot_number(game, one), matches.bot_number(game, other)
    return jax.device_get(jax.jit(play)(numbers, jax.random.key(key)))


def test_a_match_is_fair(game) -> None:
    """Equal seeds and seats are equal games, whoever is called the first."""
    one = played(game, "strongest", "random")
    other = played(game, "random", "strongest")
    assert np.array_equal(one.score, 1 - other.score[:, ::-1])
    assert np.array_equal(one.length, other.length[:, ::-1])
    assert one.finished.all()
    assert set(np.unique(one.score)) <= {0.0, 0.5, 1.0}
    assert 0 < one.score.mean() < 1
    # Other seats and other seeds are other games.
    assert not np.array_equal(one.score[:, 0], one.score[:, 1])
    assert not np.array_equal(one.score, played(game, "strongest", "random", key=4).score)


def test_a_match_by_hand(game) -> None:
    """One game of a match between bots that use no chance of their own, stepped in Python."""
    found = played(game, "strongest", "strongest")
    begin, lanes = jax.random.split(jax.random.key(3))
    keys, step = jax.random.split(begin, SEEDS), jax.jit(game.step)
    rows = matches.chance.lane_keys(lanes, SEEDS)
    for seed in range(3):
        _, state = game.reset(keys[seed])
        returned, over, length = np.zeros(2), False, 0
        while not over:
            mask = game.legal_actions(state)
            joint = mask.shape[-1] - 1 - jnp.argmax(mask[..., ::-1], axis=-1)
            key = matches.chance.at_step(rows[seed], length)
            _, state, reward, terminated, truncated, _ = step(key, state, joint)
            returned, length = returned + np.asarray(reward), length + 1
            over = bool(terminated | truncated)
        won = 0.5 + 0.5 * np.sign(returned[0] - returned[1])
        assert list(found.score[seed]) == [won, 1 - won]
        assert list(found.length[seed]) == [length, length]


class Upside(Duel):
    """The duel with a shaping that pays the loser."""

    def transition(self, state, action, draws, params=None):
        after = super().transition(state, action, draws, params)
        return after._replace(reward=-after.reward)

    def unshaped(self) -> Duel:
        return Duel(horizon=30, autoreset="disabled")


def test_shaped_rewards_decide_no_match(game) -> None:
    shaped = Upside(horizon=30, autoreset="disabled")
    found = played(shaped, "strongest", "random")
    assert np.array_equal(found.score, played(game, "strongest", "random").score)


def test_games_that_do_not_end_are_ties(game, monkeypatch) -> None:
    monkeypatch.setattr(matches, "MAX_STEPS", 2)
    found = played(game, "strongest", "random")
    assert not found.finished.all()
    assert (found.score[~found.finished] == 0.5).all()
    assert (found.length <= 2).all()


def test_an_unknown_bot(game) -> None:
    with pytest.raises(ValueError, match="duel has no bot 'best'; known: random, strongest"):
        matches.bot_number(game, "best")


def wins_of(strength, games: float) -> np.ndarray:
    """The scores that are expected of known ratings, without the prior."""
    odds = 10 ** (np.asarray(strength) / 400)
    wins = games * odds[:, None] / (odds[:, None] + odds)
    np.fill_diagonal(wins, 0)
    return wins


def test_ratings_are_found_again() -> None:
    true = np.array([1000.0, 1150.0, 1420.0, 860.0])
    found = ratings.bradley_terry(wins_of(true, 1e7), ["random", "a", "b", "c"])
    assert np.abs(found - true).max() < 0.01
    found = ratings.bradley_terry(wins_of(true, 1e7), ["d", "a", "b", "c"])
    assert np.abs(found - (true - true.mean() + 1000)).max() < 0.01


def test_two_who_met() -> None:
    """Of two the rating has a closed form; who won all is not infinitely strong."""
    found = ratings.bradley_terry(np.array([[0.0, 10.0], [0.0, 0.0]]))
    assert found[0] - found[1] == pytest.approx(400 * np.log10(10.5 / 0.5))


def test_who_never_met_is_not_rated() -> None:
    with pytest.raises(ValueError, match="games that join all contenders"):
        ratings.bradley_terry(np.zeros((2, 2)))


def test_a_rating_among_known_ones() -> None:
    """Equal to that of all together, where the known ones met one another very often."""
    known = np.array([1000.0, 1200.0, 1500.0])
    score, games = np.array([0.9, 0.7, 0.2]), 400
    wins = np.zeros((4, 4))
    wins[:3, :3] = wins_of(known, 1e9)
    wins[3, :3], wins[:3, 3] = score * games, (1 - score) * games
    together = ratings.bradley_terry(wins, ["random", "a", "b", "own"])
    alone = ratings.rating_among(jnp.asarray(known), jnp.asarray(score), games)
    assert float(alone) == pytest.approx(together[3], abs=0.2)


def test_intervals_hold_what_chance_may_do() -> None:
    """Nineteen of twenty intervals hold the true difference; more seeds make them narrower."""
    rng = np.random.default_rng(0)
    share = 1 / (1 + 10 ** (-100 / 400))
    inside, widths = 0, {}
    for seeds in (50, 200):
        for trial in range(40):
            won = rng.binomial(2, share, seeds)
            scores = np.zeros((2, 2, seeds))
            scores[0, 1], scores[1, 0] = won, 2 - won
            low, high = ratings.intervals(scores, ["own", "random"], draws=100, seed=trial)
            inside += low[0] <= 1100 <= high[0]
            widths[seeds] = high[0] - low[0]
    assert 70 <= inside <= 80
    assert widths[200] < 0.7 * widths[50]
