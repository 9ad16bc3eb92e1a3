"""Self-play: who sits where, who is met, what is learnt, and going on."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.targets import chance
from envlift.train.config import Config, ConfigError
from envlift.train.games.selfplay import Pool, SelfPlay, choose, remember
from envlift.train.saving import checkpoint
from envlift.train.trainer import train
from tests.contract.duel import Duel
from tests.contract.toy import Toy

B, T = 32, 8


def config(**changes) -> Config:
    fields = {
        "env": "duel",
        "self_play": True,
        "total_steps": 6 * B * T,
        "num_envs": B,
        "horizon": T,
        "minibatches": 2,
        "epochs": 2,
        "hidden": 8,
        "learning_rate": 1e-2,
        "checkpoint_every": 2,
        "pool_every": 2,
        "pool_size": 3,
        "evaluate_every": 3,
        "evaluate_games": 4,
    }
    return Config(**(fields | changes))


def leaves(tree) -> list:
    """All numbers of a tree, those of its random key as well."""
    flat = jax.tree.leaves(tree)
    keys = [jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) for leaf in flat]
    return [
        np.asarray(jax.random.key_data(leaf) if key else leaf)
        for leaf, key in zip(flat, keys, strict=True)
    ]


def equal(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(leaves(one), leaves(other), strict=True))


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_every_seat_is_taken_once(share: float) -> None:
    trainer = SelfPlay(config(pool_share=share), Duel())
    seats = jnp.arange(2 * B).reshape(B, 2)
    own = trainer._learners(seats)
    theirs = trainer._groups(seats)[:, trainer._theirs]
    assert np.array_equal(trainer._join(own, theirs), seats)
    assert len(own) == {0.0: 2 * B, 0.25: 2 * B - 8, 1.0: B}[share]
    # In whole games both seats learn; in the others one, and not always the same.
    learns = np.isin(np.asarray(seats), np.asarray(own)).sum(axis=1)
    assert (learns == 1).sum() == share * B
    if share == 1.0:
        assert set(np.asarray(own) % 2) == {0, 1}


def strongest(params):
    """Make a network that plays the largest number that is legal, whatever it sees."""
    policy = params["policy"]
    fixed = {
        "kernel": jnp.zeros_like(policy["kernel"]),
        "bias": 50.0 * jnp.arange(policy["bias"].shape[0], dtype=jnp.float32),
    }
    return {**params, "policy": fixed}


@pytest.fixture(scope="module", params=[0.25, 0.0])
def rollout(request):
    """One rollout against a past policy that is known, or none, and what it was made of."""
    trainer = SelfPlay(config(pool_share=request.param), Duel(horizon=5))
    state = trainer.start()
    params = state.learner.params
    past = jax.tree.map(lambda leaf: jnp.stack([leaf] * 8), strongest(params))
    lanes = chance.lane_keys(jax.random.key(7), B)
    collect = jax.shard_map(
        trainer.collect_games,
        mesh=trainer.mesh,
        in_specs=jax.sharding.PartitionSpec(),
        out_specs=jax.sharding.PartitionSpec(),
        check_vma=False,
    )
    return trainer, state, lanes, jax.jit(collect)(params, past, state.envs, lanes)


def test_a_rollout_is_the_game_played_by_hand(rollout) -> None:
    """The past policy's moves are known, so the whole rollout follows from the learners'."""
    trainer, state, lanes, (_, found, metrics, (games, score)) = rollout
    game = trainer.env
    envs, played = state.envs.state, found
    step = jax.jit(jax.vmap(game.step))
    observation, ended_all, won = state.envs.observation, 0, 0.0
    returned = np.zeros((B, 2), np.float32)
    met = np.zeros(8)
    for t in range(T):
        mask = jax.vmap(game.legal_actions)(envs)
        assert np.array_equal(played.observation[t], trainer._learners(observation))
        assert np.array_equal(played.mask[t], trainer._learners(mask))
        largest = mask.shape[-1] - 1 - jnp.argmax(mask[..., ::-1], axis=-1)
        theirs = trainer._groups(largest)[:, trainer._theirs]
        joint = trainer._join(played.action[t], theirs)
        assert np.take_along_axis(np.asarray(mask), np.asarray(joint)[..., None], -1).all()
        keys = chance.at_step(lanes, t)
        observation, envs, reward, terminated, truncated, _ = step(keys, envs, joint)
        ended = np.asarray(terminated | truncated)
        both = np.repeat(ended[:, None], 2, axis=1)
        assert np.array_equal(played.ended[t], trainer._learners(jnp.asarray(both)))
        whole = ~np.asarray(truncated) | np.asarray(terminated)
        sure = np.asarray(trainer._learners(jnp.asarray(np.repeat(whole[:, None], 2, axis=1))))
        assert np.array_equal(played.reward[t][sure], trainer._learners(reward)[sure])
        returned += np.asarray(reward)
        ended_all += ended.sum()
        for lane in np.flatnonzero(ended):
            group, place = divmod(lane, B // 8)
            if (
                trainer.lone and place == B // 8 - 1
            ):  # one game of four, the last, is against a past policy
                met[group] += 1
                won += 0.5 + 0.5 * np.sign(returned[lane, 0] - returned[lane, 1])
        returned[ended] = 0
    assert ended_all == metrics["games"] > 0
    assert np.array_equal(games, met)
    assert float(score.sum()) == won
    if trainer.lone:
        assert met.sum() == metrics["episodes"] > 0
        assert metrics["past_score"] == pytest.approx(won / met.sum())
    else:
        assert metrics["episodes"] == ended_all
        assert "past_score" not in metrics


def pool(taken, games=(0, 0, 0), score=(0, 0, 0)) -> Pool:
    arrays = [jnp.asarray(each, jnp.float32) for each in (games, score)]
    return Pool({"w": jnp.zeros((3, 2))}, jnp.asarray(taken, jnp.int32), *arrays)


def test_who_is_met() -> None:
    draws = 3000
    key = jax.random.key(0)
    only = choose(key, pool([0, -1, -1]), draws, "hard")
    assert set(np.asarray(only)) == {0}
    met = pool([0, 5, 9], (20, 20, 20), (20, 10, 0))
    even = np.bincount(choose(key, met, draws, "uniform"), minlength=3) / draws
    assert np.abs(even - 1 / 3).max() < 0.05
    hard = np.bincount(choose(key, met, draws, "hard"), minlength=3) / draws
    # Shares lost, a tie added to each: 0.5 / 21, 10.5 / 21 and 20.5 / 21, squared.
    weight = (np.array([0.5, 10.5, 20.5]) / 21) ** 2
    assert np.abs(hard - weight / weight.sum()).max() < 0.03


def test_the_oldest_makes_room() -> None:
    kept = pool([0, -1, -1], (4, 0, 0), (3, 0, 0))
    for update in (2, 4, 6):
        kept = remember(kept, {"w": jnp.full(2, update)}, jnp.int32(update))
    assert list(kept.taken) == [6, 2, 4]
    assert [int(row[0]) for row in kept.params["w"]] == [6, 2, 4]
    assert list(kept.games) == [0, 0, 0]


class Rows(list):
    def record(self, row) -> None:
        self.append(row)


@pytest.mark.parametrize("network", ["mlp", "gru"])
def test_going_on_is_as_not_having_stopped(tmp_path, network: str) -> None:
    """Everything: weights, past policies and what is known of them, and the examinations."""
    whole, parts = Rows(), Rows()
    # The rate would fall by the length that is given, and one of the runs is given half.
    settings = config(network=network, anneal=False, minibatches=1 if network == "gru" else 2)
    straight = train(settings, env=Duel(), recorder=whole, out=tmp_path / "straight")
    short = settings.replace(total_steps=3 * B * T)
    train(short, env=Duel(), recorder=parts, out=tmp_path / "parts")
    later = train(settings, env=Duel(), recorder=parts, out=tmp_path / "parts", resume=True)
    assert equal(straight.policy.params, later.policy.params)
    like = SelfPlay(settings, Duel()).start()
    one, _ = checkpoint.restore(tmp_path / "straight", like)
    other, _ = checkpoint.restore(tmp_path / "parts", like)
    assert equal(one, other)
    assert list(one.pool.taken) == [6, 2, 4]
    told = [{k: v for k, v in row.items() if k not in ("seconds", "sps")} for row in whole]
    assert told == [{k: v for k, v in row.items() if k not in ("seconds", "sps")} for row in parts]
    assert [row["update"] for row in told if "elo" in row] == [3, 6]
    assert {"win_random", "win_strongest", "games", "past_score"} <= set(told[-1])


def test_it_learns() -> None:
    """It ends as good as the strongest bot, which nobody beats for certain: there is chance."""
    settings = config(
        num_envs=64, horizon=16, total_steps=64 * 16 * 60, hidden=32, learning_rate=3e-3,
        evaluate_every=60, evaluate_games=200, pool_every=5, minibatches=4,
    )  # fmt: skip
    row = train(settings, env=Duel(horizon=60)).history[-1]
    assert row["win_random"] > 0.55, "400 games: 0.5 is two deviations below"
    assert row["win_strongest"] > 0.45
    assert row["elo"] > 1030


def test_what_does_not_fit() -> None:
    with pytest.raises(
        ConfigError, match=r"self_play = True is not allowed: .*toy.* has one player"
    ):
        train(config(env="toy"), env=Toy())
    with pytest.raises(
        ConfigError, match="self_play = True is not allowed with collector = 'host'"
    ):
        train(config(collector="host"), env=Duel())
    with pytest.raises(ConfigError, match="pool_choice = 'best' is not allowed"):
        config(pool_choice="best")
