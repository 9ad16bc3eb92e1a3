"""Self-play: every seat of a game learns, against the present policy and against past ones.

Games are divided as ``ppo`` divides environments, into groups. In most games of a group the present
policy has all seats and learns from each. In the others, the last of the group, it has one seat,
and one past policy, drawn for the group before each update, has the rest.

Shape letters: ``T`` steps, ``B`` games, ``G`` groups (both of this device, inside the program),
``P`` players, ``L`` seats that learn, ``K`` past policies that are kept.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec

from envlift.registry import AnyEnv
from envlift.targets import chance
from envlift.train import ppo
from envlift.train.config import Config, ConfigError
from envlift.train.fused import ENVIRONMENT, POLICY, Envs, Fused, noise_of
from envlift.train.games.examine import Examiner
from envlift.train.networks import Maker, make_network
from envlift.train.policy import apply_once
from envlift.train.ppo import AXIS, Learner, Rollout

FORGET = 0.95
"""What the results against a past policy count after one more update."""


class Pool(NamedTuple):
    """Past policies.

    Attributes:
        params: of networks, every leaf [K, ...].
        taken: int32 [K], after how many updates; -1 where there is none yet.
        games: float32 [K], games against it lately.
        score: float32 [K], what the learner made of them: 1 for a win, 0.5 for a tie.
    """

    params: Any
    taken: jax.Array
    games: jax.Array
    score: jax.Array


class SelfPlayState(NamedTuple):
    """Everything a run needs to go on: ``fused.TrainState``, and the past policies."""

    learner: Learner
    envs: Envs
    key: jax.Array
    update: jax.Array
    pool: Pool


class SelfPlay(Fused):
    """A compiled trainer over a game; see ``Fused`` for its arguments and errors.

    In ``Envs`` the axis of players follows that of games; memory is that of the seats that learn.
    """

    def __init__(
        self,
        config: Config,
        env: AnyEnv,
        devices: list[jax.Device] | None = None,
        network: Maker = make_network,
    ) -> None:
        if getattr(env, "num_players", 1) < 2:
            raise ConfigError(
                f"self_play = True is not allowed: {env!r} has one player; leave it out"
            )
        if config.normalize_rewards:
            raise ConfigError(
                "normalize_rewards = True is not allowed in self-play: a game pays for winning"
            )
        super().__init__(config, env, devices, network)
        players, self.groups = env.num_players, ppo.groups_of(config)
        games = config.num_envs // self.groups
        # At least one of each group, so that past policies are met at all.
        self.lone = max(1, round(games * config.pool_share)) if config.pool_share else 0
        both = games - self.lone
        seats = np.arange(games * players).reshape(games, players)
        own = np.arange(self.lone) % players
        rows = seats[both:]
        learns = rows[np.arange(self.lone), own]
        self._learn = np.concatenate([seats[:both].reshape(-1), learns])
        self._theirs = np.setdiff1d(rows, learns)
        self._back = np.argsort(np.concatenate([self._learn, self._theirs]))
        self._lone_seat = own
        lanes = self.groups * len(self._learn)
        # As many updates as there are of games, which is what a falling rate is counted by.
        self.learning = config.replace(
            num_envs=lanes, total_steps=config.updates * config.horizon * lanes
        )
        ppo.rows_of(self.learning)
        self._examiner = Examiner(config, env, self.network, self.head)

    def _spaces(self, env: Any) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
        return env.player_action_space(), env.player_observation_space()

    @property
    def specs(self) -> Any:
        """How the state is divided: games by device, everything else whole."""
        whole: Any = PartitionSpec()
        state: Any = (*super().specs, whole)
        return SelfPlayState(*state)

    def _state(self, learner: Learner, envs: Envs, key: jax.Array) -> Any:
        """Return the first state: the fresh policy is the first past one."""
        size = self.config.pool_size
        params = jax.tree.map(lambda leaf: jnp.stack([leaf] * size), learner.params)
        taken = jnp.where(jnp.arange(size) == 0, 0, -1).astype(jnp.int32)
        pool = Pool(params, taken, jnp.zeros(size), jnp.zeros(size))
        return SelfPlayState(learner, envs, key, jnp.int32(0), pool)

    def examine(self, state: Any, update: int) -> dict[str, jax.Array]:
        """Return win rates against the game's bots and Elo, in the updates that are due."""
        every = self.config.examined_every
        due = every > 0 and (update % every == 0 or update == self.config.updates)
        return self._examiner(state.learner.params, update) if due else {}

    # -- traced ---------------------------------------------------------------------------------

    def _begin(self, key: jax.Array) -> Envs:
        count, players = self.config.num_envs, self.env.num_players
        observation, state = jax.vmap(self.env.reset)(jax.random.split(key, count))
        zeros = jnp.zeros((count, players), jnp.float32)
        memory = self.network.start(self.learning.num_envs)
        length = jnp.zeros(count, jnp.int32)
        return Envs(state, observation, jnp.ones(count, bool), memory, zeros, zeros, length)

    def update(self, state: Any) -> tuple[Any, dict[str, jax.Array]]:
        """Collect one rollout and learn from it, on one device's share of the games."""
        config, pool = self.config, state.pool
        key = jax.random.fold_in(state.key, state.update)
        play_key, learn_key, pool_key = jax.random.split(key, 3)
        lanes = chance.lane_keys(play_key, config.num_envs)
        share, groups = config.num_envs // config.devices, self.groups // config.devices
        device = jax.lax.axis_index(AXIS)
        lanes = jax.lax.dynamic_slice_in_dim(lanes, device * share, share)
        chosen = choose(pool_key, pool, self.groups, config.pool_choice)
        chosen = jax.lax.dynamic_slice_in_dim(chosen, device * groups, groups)
        past = jax.tree.map(lambda leaf: leaf[chosen], pool.params)
        envs, rollout, played, (games, score) = self.collect_games(
            state.learner.params, past, state.envs, lanes
        )
        learner, learnt = ppo.learn(self.network, self.learning, state.learner, rollout, learn_key)
        met = jax.lax.psum(
            [jnp.zeros(config.pool_size).at[chosen].add(each) for each in (games, score)], AXIS
        )
        pool = pool._replace(games=FORGET * pool.games + met[0], score=FORGET * pool.score + met[1])
        done = state.update + 1
        pool = jax.lax.cond(
            done % config.pool_every == 0,
            lambda: remember(pool, learner.params, done),
            lambda: pool,
        )
        after = SelfPlayState(learner, envs, state.key, done, pool)
        return after, {**played, **learnt}

    def collect_games(
        self, params: Any, past: Any, envs: Envs, lanes: jax.Array
    ) -> tuple[Envs, Rollout, dict[str, jax.Array], tuple[jax.Array, jax.Array]]:
        """Play ``T`` steps.

        Args:
            params: of the network that learns.
            past: of one past policy per group, every leaf [G, ...].
            envs: see the class.
            lanes: keys [B] of ``chance.lane_keys``.

        Returns:
            What ``Fused.collect`` does, of L seats; and of each group the games that ended against
            its past policy and the learner's score in them, float32 [G] each.
        """
        memory = envs.memory
        apply = partial(apply_once, self.network, params)
        groups, noise = self.groups // self.config.devices, self.head.noise_size
        players = self.env.num_players
        count = len(self._theirs)
        # Whoever was drawn anew has not seen the game so far: it begins with an empty memory.
        theirs = jax.vmap(lambda _: self.network.start(count))(jnp.arange(groups))

        def step(carry: Any, t: jax.Array) -> tuple[Any, Any]:
            envs, theirs = carry
            keys = chance.at_step(lanes, t)
            starts = jnp.repeat(envs.starts[:, None], players, axis=1)
            mask = jax.vmap(self.env.legal_actions)(envs.state)
            drawn = noise_of(keys, players * noise).reshape(-1, players, noise)
            seen = (envs.observation, starts, mask, drawn)
            with jax.named_scope(POLICY):
                *seen_here, drawn_here = (self._learners(leaf) for leaf in seen)
                after, distribution, value = apply(envs.memory, *seen_here)
                action = distribution.sample(drawn_here)
                log_prob = distribution.log_prob(action)
                theirs, their_action = self._past(past, theirs, seen)
            joint = self._join(self.head.played(action), their_action)
            with jax.named_scope(ENVIRONMENT):
                observation, state, reward, terminated, truncated, info = jax.vmap(self.env.step)(
                    keys, envs.state, joint
                )
            ended = terminated | truncated
            ended_each = jnp.repeat(ended[:, None], players, axis=1)
            learnt = self._learners(reward) * self.config.reward_scale
            if self.env.truncates:
                cut = jnp.repeat((truncated & ~terminated)[:, None], players, axis=1)
                final = self._learners(info["final_observation"])
                learnt = learnt + self._bootstrap(apply, after, final, self._learners(cut))
            returned = envs.returned + reward
            scored = envs.scored + self.env.score(reward)
            length = envs.length + 1
            kept = (*seen_here, action, log_prob, value, learnt, self._learners(ended_each))
            counted = self._count(ended, returned, scored, length)
            nxt = Envs(
                state,
                observation,
                ended,
                after,
                jnp.where(ended_each, 0.0, returned),
                jnp.where(ended_each, 0.0, scored),
                jnp.where(ended, 0, length),
            )
            return (nxt, theirs), (kept, (counted, jnp.mean(jnp.abs(reward))))

        steps = jnp.arange(self.config.horizon)
        (envs, _), (kept, (counted, rewards)) = jax.lax.scan(step, (envs, theirs), steps)
        starts = jnp.repeat(envs.starts[:, None], players, axis=1)
        last_seen, starts = self._learners(envs.observation), self._learners(starts)
        _, _, last_value = apply(envs.memory, last_seen, starts, None)
        rollout = Rollout(*(*kept, memory, last_value))
        counted = {name: jnp.sum(each, axis=0) for name, each in counted.items()}
        met = (counted.pop("met"), counted.pop("met_score"))
        metrics = jax.lax.psum(counted, AXIS)
        metrics["reward"] = jax.lax.pmean(jnp.mean(rewards), AXIS)
        seen_mean = jnp.mean(rollout.observation.astype(jnp.float32))
        metrics["observation"] = jax.lax.pmean(seen_mean, AXIS)
        if self.lone:
            games, score = (jax.lax.psum(jnp.sum(each), AXIS) for each in met)
            metrics["past_score"] = jnp.where(games > 0, score / jnp.maximum(games, 1.0), 0.5)
        return envs, rollout, metrics, met

    def _learners(self, leaf: jax.Array) -> jax.Array:
        """Take the seats that learn, [L, ...], of [B, P, ...]."""
        return self._groups(leaf)[:, self._learn].reshape(-1, *leaf.shape[2:])

    def _groups(self, leaf: jax.Array) -> jax.Array:
        return leaf.reshape(self.groups // self.config.devices, -1, *leaf.shape[2:])

    def _past(self, past: Any, memory: Any, seen: Any) -> tuple[Any, jax.Array]:
        """Return the memories and actions [G, n] of the past policies."""
        if not self.lone:
            groups = self.groups // self.config.devices
            return memory, jnp.zeros((groups, 0), jnp.int32)

        def act(
            params: Any, memory: Any, observation: Any, starts: Any, mask: Any, noise: Any
        ) -> tuple[Any, jax.Array]:
            memory, distribution, _ = apply_once(
                self.network, params, memory, observation, starts, mask
            )
            return memory, self.head.played(distribution.sample(noise))

        theirs = [self._groups(leaf)[:, self._theirs] for leaf in seen]
        chosen: tuple[Any, jax.Array] = jax.vmap(act)(past, memory, *theirs)
        return chosen

    def _join(self, own: jax.Array, theirs: jax.Array) -> jax.Array:
        """Return the joint actions [B, P] of what learners [L] and past policies [G, n] chose."""
        own = own.reshape(theirs.shape[0], -1)
        both = jnp.concatenate([own, theirs], axis=1)[:, self._back]
        return both.reshape(-1, self.env.num_players)

    def _count(
        self, ended: jax.Array, returned: jax.Array, scored: jax.Array, length: jax.Array
    ) -> dict[str, jax.Array]:
        """Count the games that a step ended.

        What is shown of returns, scores and lengths is that of games against past policies: where
        the present one has all seats, what one wins another loses.
        """
        groups, lone = self.groups // self.config.devices, self.lone
        games = ended.size // groups
        met = ended.reshape(groups, games)[:, games - lone :]
        pick = np.arange(lone), self._lone_seat

        def of_seat(leaf: jax.Array) -> jax.Array:
            return leaf.reshape(groups, games, -1)[:, games - lone :][:, *pick]

        mine = of_seat(returned)
        others = (returned.reshape(groups, games, -1)[:, games - lone :].sum(axis=-1) - mine) / (
            self.env.num_players - 1
        )
        won = 0.5 + 0.5 * jnp.sign(mine - others)
        counted = {
            "games": jnp.sum(ended, dtype=jnp.int32),
            "met": jnp.sum(met, axis=1, dtype=jnp.float32),
            "met_score": jnp.sum(jnp.where(met, won, 0.0), axis=1),
        }
        if lone:
            shown = met, mine, of_seat(scored), length.reshape(groups, games)[:, games - lone :]
        else:
            shown = ended, returned.mean(axis=1), scored.mean(axis=1), length
        over, *values = shown
        counted["episodes"] = jnp.sum(over, dtype=jnp.int32)
        for name, value in zip(("return_sum", "score_sum", "length_sum"), values, strict=True):
            counted[name] = jnp.sum(jnp.where(over, value, 0))
        return counted


def choose(key: jax.Array, pool: Pool, groups: int, how: str) -> jax.Array:
    """Draw a past policy for each group, int32 [G].

    Args:
        key: of the draw.
        pool: to choose from.
        groups: how many.
        how: ``uniform``, or ``hard``: by the square of the share that the learner does not win
            (prioritised fictitious self-play, Vinyals et al. 2019, "f_hard").
    """
    weight = jnp.ones_like(pool.score)
    if how == "hard":
        # One tie that never was: who has not been met is neither hard nor easy.
        weight = (1 - (pool.score + 0.5) / (pool.games + 1)) ** 2 + 1e-3
    logits = jnp.where(pool.taken >= 0, jnp.log(weight), -jnp.inf)
    return jax.random.categorical(key, logits, shape=(groups,)).astype(jnp.int32)


def remember(pool: Pool, params: Any, update: jax.Array) -> Pool:
    """Put a policy into the pool: where there is room, else in the place of the oldest."""
    place = jnp.argmin(pool.taken)
    kept = jax.tree.map(lambda all_, one: all_.at[place].set(one), pool.params, params)
    return Pool(
        kept,
        pool.taken.at[place].set(update.astype(jnp.int32)),
        pool.games.at[place].set(0.0),
        pool.score.at[place].set(0.0),
    )
