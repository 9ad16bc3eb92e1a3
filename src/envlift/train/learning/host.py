"""The host collector: the same learner over any Gymnasium ``VectorEnv``, stepped from Python.

This is how references in child processes and compiled emulators are trained on.

Shape letters: ``T`` steps, ``B`` environments.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from jax.sharding import Mesh, PartitionSpec

from envlift.targets import chance
from envlift.train.config import Config, ConfigError
from envlift.train.learning import ppo
from envlift.train.learning.fused import EVALUATION_STEPS, noise_of
from envlift.train.learning.ppo import AXIS, Learner, Rollout
from envlift.train.policies import normalizer
from envlift.train.policies.distributions import head_of
from envlift.train.policies.networks import Maker, init, made, make_network
from envlift.train.policies.observations import mask_of, reading_of, row, row_space
from envlift.train.policies.policy import Array, apply_once


class HostState(NamedTuple):
    """Everything a run needs to go on, but for what the environments keep to themselves.

    Attributes:
        learner: parameters and optimizer.
        memory: of the network.
        observation, starts, mask: what the policy sees next, as in ``Rollout``.
        returned, scored, length: of the episodes so far, [B].
        key: typed key of the run.
        update: updates done.
        envs: what ``vector_env.save()`` gave, or None if it cannot be saved.
        discounted: float32 [B], discounted sum of the episode's rewards, where they are normalised.
    """

    learner: Learner
    memory: Any
    observation: Array
    starts: Array
    mask: Array | None
    returned: Array
    scored: Array
    length: Array
    key: jax.Array
    update: int
    envs: Any = None
    discounted: Any = ()


class Host:
    """A trainer over a ``VectorEnv``.

    Args:
        config: of the run; ``config.num_envs`` must be the vector's.
        vector_env: in any autoreset mode. If it has methods ``save() -> dict`` and
            ``restore(dict)``, a resumed run goes on exactly where it was, unless environments reset
            themselves in the step after an end. Observations of several parts (``Dict``,
            ``Tuple``) are made one row of numbers.
        score: what a person would count of rewards [B]; all by default.
        network: makes a network of your own.
        evaluation_env: ``config.evaluate_episodes`` environments for evaluations.

    Raises:
        ConfigError: if the configuration does not fit the environments.
        ValueError: if the environments do not say how they are reset.
    """

    def __init__(
        self,
        config: Config,
        vector_env: VectorEnv[Any, Any, Any],
        score: Any = None,
        network: Maker = make_network,
        evaluation_env: VectorEnv[Any, Any, Any] | None = None,
    ) -> None:
        mode = vector_env.metadata.get("autoreset_mode")
        if not isinstance(mode, AutoresetMode):
            raise ValueError(
                f"{vector_env!r} does not say when ended episodes are reset: metadata"
                f"['autoreset_mode'] is {mode!r}; give a value of gymnasium.vector.AutoresetMode"
            )
        if config.num_envs != vector_env.num_envs:
            raise ConfigError(
                f"num_envs = {config.num_envs} is not allowed: the vector has {vector_env.num_envs}"
            )
        if config.devices != 1:
            raise ConfigError(
                f"devices = {config.devices} is not allowed: the host collector uses one"
            )
        ppo.rows_of(config)
        self.config, self.vector_env = config, vector_env
        self.head = head_of(vector_env.single_action_space)
        self.reading = reading_of(row_space(vector_env.single_observation_space), config)
        self.network = made(network, config, self.reading, self.head)
        self._mode = mode
        if config.examined_every and (
            evaluation_env is None or evaluation_env.num_envs != config.evaluate_episodes
        ):
            raise ConfigError(
                f"evaluate_every = {config.examined_every} is not allowed without environments for "
                f"it: give train() an evaluation_env of {config.evaluate_episodes}, or 0"
            )
        self._evaluation_env = evaluation_env
        self._score = score or (lambda reward: reward)
        self._act = jax.jit(self._acted)
        self._value = jax.jit(self._valued)
        self._best = jax.jit(self._greedy)
        self.program: Any = None
        """The compiled learning step, once there was one."""

    def start(self) -> HostState:
        """Reset all environments and make a fresh learner."""
        weights, _, rest = jax.random.split(jax.random.key(self.config.seed), 3)
        params = init(self.network, weights)
        learner = Learner(params, ppo.make_optimizer(self.config).init(params))
        return self._begin(learner, rest, 0)

    def _begin(self, learner: Learner, key: jax.Array, update: int) -> HostState:
        """Return the state in which every environment begins an episode."""
        # Gymnasium gives environment i the seed s + i: runs must be further apart than that.
        seed = self.config.seed * 1_000_003
        if update:
            seed = int(np.random.SeedSequence([seed, update]).generate_state(1)[0])
        observation, infos = self.vector_env.reset(seed=seed % 2**31)
        count = self.config.num_envs
        self._over = np.zeros(count, np.bool_)
        return HostState(
            learner,
            self.network.start(count),
            self._row(observation),
            np.ones(count, np.bool_),
            self._mask_of(infos),
            np.zeros(count, np.float32),
            np.zeros(count, np.float32),
            np.zeros(count, np.int32),
            key,
            update,
            discounted=np.zeros(count, np.float32) if self.config.normalize_rewards else (),
        )

    def snapshot(self, state: HostState) -> HostState:
        """Return the state together with what the environments keep to themselves, if they can."""
        save = getattr(self.vector_env, "save", None)
        if save is None or self._mode is AutoresetMode.NEXT_STEP:
            return state
        return state._replace(envs=save())

    def restore(self, state: HostState) -> HostState:
        """Return where a run goes on, with the environments put where they were.

        Those that cannot be saved begin new episodes, and nothing of the old ones is kept.
        """
        if state.envs is None:
            return self._begin(state.learner, state.key, state.update)
        self.vector_env.restore(state.envs)  # type: ignore[attr-defined]
        return state

    def compile(self, state: HostState) -> Callable[[HostState], tuple[HostState, Any]]:
        """Return one update as a function ``state -> state, metrics``."""
        mesh = Mesh(np.array(jax.devices()[:1]), (AXIS,))
        whole = PartitionSpec()

        def learn(learner: Learner, rollout: Rollout, key: jax.Array) -> Any:
            last = self._valued(
                learner.params, rollout.last_value[0], rollout.last_value[1], rollout.last_value[2]
            )
            rollout = rollout._replace(last_value=last)
            return ppo.learn(self.network, self.config, learner, rollout, key)

        mapped = jax.shard_map(learn, mesh=mesh, in_specs=whole, out_specs=whole, check_vma=False)
        learn_jit = jax.jit(mapped, donate_argnums=0)
        return lambda state: self._update(state, learn_jit)

    def _update(self, state: HostState, learn: Any) -> tuple[HostState, dict[str, Any]]:
        key = jax.random.fold_in(state.key, state.update)
        play_key, learn_key = jax.random.split(key)
        first_memory = state.memory
        state, kept, metrics = self._collect(state, play_key)
        last: Any = (state.memory, state.observation, state.starts)
        rollout = Rollout(*(*kept[:8], first_memory, last, *kept[8:]))
        learner, learnt = self.learn(learn, state.learner, rollout, learn_key)
        state = state._replace(learner=learner, update=state.update + 1)
        return state, metrics | learnt

    def examine(self, state: HostState, update: int) -> dict[str, Any]:
        """Return what an evaluation after an update gave; nothing if none is due."""
        every, vector_env = self.config.examined_every, self._evaluation_env
        if not every or update % every or vector_env is None:
            return {}
        space, count = vector_env.single_observation_space, vector_env.num_envs
        seen, infos = vector_env.reset(seed=(self.config.seed * 1_000_003 + 1) % 2**31)
        memory: Any = self.network.start(count)
        mask = self._mask_of(infos, count)
        starts, alive = np.ones(count, np.bool_), np.ones(count, np.bool_)
        returned, length = np.zeros(count), np.zeros(count)
        mode = vector_env.metadata.get("autoreset_mode")
        for _ in range(EVALUATION_STEPS):
            memory, played = self._best(
                state.learner.params, memory, row(space, seen), starts, mask
            )
            seen, reward, terminated, truncated, infos = vector_env.step(np.asarray(played))
            returned, length = returned + np.where(alive, reward, 0.0), length + alive
            ended = np.asarray(terminated) | np.asarray(truncated)
            alive &= ~ended
            starts = np.zeros(count, np.bool_)
            if not alive.any():
                break
            mask = self._mask_of(infos, count)
            if mode is AutoresetMode.DISABLED and ended.any():
                seen, mask = self._begun_again(vector_env, ended, mask)
        return {"evaluation": float(returned.mean()), "evaluation_length": float(length.mean())}

    def _begun_again(
        self, vector_env: VectorEnv[Any, Any, Any], ended: Array, legal: Array | None
    ) -> tuple[Any, Array | None]:
        """Reset the environments that ended; return what all show and what is legal in each.

        A reset need not say again what is legal in environments that it leaves alone.
        """
        seen, infos = vector_env.reset(options={"reset_mask": ended})
        fresh = self._mask_of(infos, len(ended))
        if legal is not None and fresh is not None:
            legal = np.where(ended[:, None], fresh, legal)
        return seen, legal

    # -- the three parts of the work, which ``bench --breakdown`` times ----------------------------

    def ask(self, *arguments: Any) -> tuple[Any, Any, Array, Any, Any]:
        """Ask the policy; see ``_acted``. What is played comes to NumPy, the rest stays."""
        memory, action, played, log_prob, value = self._act(*arguments)
        return memory, action, np.asarray(played), log_prob, value

    def step(self, played: Array) -> tuple[Any, ...]:
        """Play one step in all environments."""
        return self.vector_env.step(played)

    def learn(
        self, learn: Any, learner: Learner, rollout: Rollout, key: jax.Array
    ) -> tuple[Learner, dict[str, Any]]:
        """Update the learner; ``learn`` is compiled the first time."""
        if self.program is None:
            self.program = learn.lower(learner, rollout, key).compile()
        updated: tuple[Learner, dict[str, Any]] = self.program(learner, rollout, key)
        return updated

    def _collect(self, state: HostState, key: jax.Array) -> tuple[HostState, list[Any], Any]:
        horizon, count = self.config.horizon, self.config.num_envs
        lanes = chance.lane_keys(key, count)
        params, memory = state.learner.params, state.memory
        observation, starts, mask = state.observation, state.starts, state.mask
        returned, scored, length = state.returned, state.scored, state.length
        discounted = state.discounted
        steps: list[tuple[Any, ...]] = []
        counts = {
            "episodes": 0,
            "return_sum": 0.0,
            "score_sum": 0.0,
            "length_sum": 0,
            "reward": 0.0,
        }
        for t in range(horizon):
            memory, action, played, log_prob, value = self.ask(
                params, memory, observation, starts, mask, lanes, t
            )
            valid = None
            if self._mode is AutoresetMode.NEXT_STEP:
                # In this step those that ended in the last one are reset; nothing is played there.
                valid = ~self._over
            seen, reward, terminated, truncated, infos = self.step(played)
            reward = np.asarray(reward, np.float32)
            terminated, truncated = np.asarray(terminated), np.asarray(truncated)
            ended = terminated | truncated
            if valid is not None:
                ended = ended & valid
                reward = np.where(valid, reward, 0.0)
            learnt = normalizer.scaled(params, reward, self.config.reward_scale)
            learnt = np.asarray(learnt, np.float32)
            summed = None
            if self.config.normalize_rewards:
                summed = (discounted * self.config.gamma + reward).astype(np.float32)
                discounted = np.where(ended, 0.0, summed).astype(np.float32)
            # What the rules ended has no value afterwards, whatever the time limit says.
            cut = truncated & ~terminated & ended
            if cut.any():
                learnt = learnt + self._bootstrap(params, memory, seen, cut, infos)
            begins = ended
            legal = self._mask_of(infos)
            if self._mode is AutoresetMode.DISABLED and ended.any():
                seen, legal = self._begun_again(self.vector_env, ended, legal)
            elif valid is not None:
                begins, self._over = self._over, ended
            # What is not played belongs to no episode: no advantage goes over it.
            stops = ended if valid is None else ended | ~valid
            kept = (observation, starts, mask, action, log_prob, value, learnt, stops)
            steps.append((*kept, summed, valid))
            returned, scored = returned + reward, scored + self._score(reward)
            length = length + (1 if valid is None else valid)
            counts["reward"] += float(np.mean(reward)) / horizon
            if ended.any():
                counts["episodes"] += int(ended.sum())
                counts["return_sum"] += float(returned[ended].sum())
                counts["score_sum"] += float(scored[ended].sum())
                counts["length_sum"] += int(length[ended].sum())
                returned, scored = np.where(ended, 0, returned), np.where(ended, 0, scored)
                length = np.where(ended, 0, length)
            # A copy: some vectors write the next observation into the same memory.
            observation, starts, mask = self._row(seen), begins, legal
        stacked = [_stacked(part) for part in zip(*steps, strict=True)]
        metrics = {
            **counts,
            "observation": float(np.mean([step[0] for step in steps], dtype=np.float64)),
        }
        state = state._replace(
            memory=memory,
            observation=observation,
            starts=starts,
            mask=mask,
            returned=returned.astype(np.float32),
            scored=np.asarray(scored, np.float32),
            length=length.astype(np.int32),
            discounted=discounted,
        )
        return state, stacked, metrics

    def _bootstrap(
        self, params: Any, memory: Any, seen: Any, cut: Array, infos: dict[str, Any]
    ) -> Array:
        """Return the discounted value where an episode was cut, float32 [B]; cut: bool [B]."""
        final = self._row(seen)
        if self._mode is AutoresetMode.SAME_STEP:
            if "final_obs" not in infos:
                raise ValueError(
                    f"{self.vector_env!r} truncated an episode and did not show "
                    "infos['final_obs']: its value cannot be learnt from"
                )
            for lane in np.flatnonzero(cut):
                one = self.vector_env.single_observation_space
                final[lane] = row(
                    one, jax.tree.map(lambda part: np.asarray(part)[None], infos["final_obs"][lane])
                )[0]
        value = self._value(params, memory, final, np.zeros_like(cut))
        discounted = self.config.gamma * np.asarray(value)
        return np.where(cut, discounted, 0.0).astype(np.float32)

    def _row(self, seen: Any) -> Array:
        return np.array(row(self.vector_env.single_observation_space, seen))

    def _mask_of(self, infos: dict[str, Any], count: int | None = None) -> Array | None:
        if not self.head.discrete or "action_mask" not in infos:
            return None
        masks = np.asarray(infos["action_mask"])
        # Masks of several choices are tuples of arrays, which a vector keeps as objects.
        if masks.dtype == object:
            masks = np.stack([mask_of(one) for one in masks])
        return masks.reshape(count or self.config.num_envs, self.head.outputs).astype(np.bool_)

    # -- traced ---------------------------------------------------------------------------------

    def _acted(
        self, params: Any, memory: Any, observation: Any, starts: Any, mask: Any, lanes: Any, t: Any
    ) -> tuple[Any, ...]:
        memory, distribution, value = apply_once(
            self.network, params, memory, observation, starts, mask
        )
        action = distribution.sample(noise_of(chance.at_step(lanes, t), self.head.noise_size))
        log_prob = distribution.log_prob(action)
        return memory, action, self.head.played(action), log_prob, value

    def _greedy(
        self, params: Any, memory: Any, observation: Any, starts: Any, mask: Any
    ) -> tuple[Any, jax.Array]:
        memory, distribution, _ = apply_once(
            self.network, params, memory, observation, starts, mask
        )
        return memory, self.head.played(distribution.mode())

    def _valued(self, params: Any, memory: Any, observation: Any, starts: Any) -> jax.Array:
        _, _, value = apply_once(self.network, params, memory, observation, starts, None)
        return value


def _stacked(steps: tuple[Any, ...]) -> Any:
    """Stack one part of all steps where it lies: on the device, or in NumPy."""
    if steps[0] is None:
        return None
    return jnp.stack(steps) if isinstance(steps[0], jax.Array) else np.stack(steps)
