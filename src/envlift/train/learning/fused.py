"""The fused collector: environment, policy and update in one compiled program.

Nothing returns to Python between two updates. Environments are divided among the devices of a mesh
by ``shard_map``; parameters are equal on all of them.

Shape letters: ``T`` steps, ``B`` environments (of this device, inside the program).
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from envlift.env import Env
from envlift.registry import AnyEnv
from envlift.targets import chance
from envlift.train.config import Config, ConfigError
from envlift.train.learning import ppo
from envlift.train.learning.ppo import AXIS, Learner, Rollout
from envlift.train.policies import normalizer
from envlift.train.policies.distributions import head_of
from envlift.train.policies.networks import Maker, init, made, make_network
from envlift.train.policies.observations import reading_of
from envlift.train.policies.policy import apply_once

NOISE = 16
"""First label of the policy's noise; an environment's own labels (``chance``) are below it."""


ENVIRONMENT, POLICY = "environment", "policy"
"""Scopes of the compiled program, by which ``bench --breakdown`` tells its parts apart."""


EVALUATION_STEPS = 100_000
"""Steps after which an episode of an evaluation counts as it is."""


class Envs(NamedTuple):
    """Where all environments stand between two updates; every leaf has the axis ``B`` first.

    Attributes:
        state: of the environments.
        observation: what the policy sees next.
        starts: bool, whether that begins an episode.
        memory: of the network.
        returned: float32, sum of the rewards of the episode so far.
        scored: float32, the same of ``Env.score``.
        length: int32, steps of the episode so far.
        discounted: float32, discounted sum of its rewards, where rewards are normalised.
    """

    state: Any
    observation: jax.Array
    starts: jax.Array
    memory: Any
    returned: jax.Array
    scored: jax.Array
    length: jax.Array
    discounted: Any = ()


class TrainState(NamedTuple):
    """Everything a run needs to go on; a checkpoint holds exactly this.

    Attributes:
        learner: parameters and optimizer.
        envs: where the environments stand.
        key: typed key of the run; all chance is derived from it and ``update``.
        update: int32, updates done.
    """

    learner: Learner
    envs: Envs
    key: jax.Array
    update: jax.Array


class Fused:
    """A compiled trainer over a JAX environment.

    Args:
        config: of the run.
        env: made with ``autoreset="same_step"``.
        devices: the mesh's devices; by default the first ``config.devices`` of all.
        network: makes a network of your own.

    Raises:
        ConfigError: if a number of the configuration does not fit another, or the devices.
    """

    def __init__(
        self,
        config: Config,
        env: AnyEnv,
        devices: list[jax.Device] | None = None,
        network: Maker = make_network,
    ) -> None:
        if not hasattr(env, "autoreset"):
            raise ConfigError(
                f"{env!r} is no envlift.Env, which the fused collector compiles: give a Gymnasium "
                "vector of it as vector_env, with collector = 'host'"
            )
        if env.autoreset != "same_step":
            raise ValueError(f"{env!r} must be made with autoreset='same_step'")
        ppo.rows_of(config)
        found = jax.devices()[: config.devices] if devices is None else devices
        if len(found) < config.devices:
            raise ConfigError(
                f"devices = {config.devices} is not allowed: JAX has {len(jax.devices())}"
            )
        self.config, self.env = config, env
        action_space, observation_space = self._spaces(env)
        self.head = head_of(action_space)
        self.reading = reading_of(observation_space, config)
        self.network = made(network, config, self.reading, self.head)
        self.masked = self.head.discrete and type(env).legal_actions is not Env.legal_actions
        self.mesh = Mesh(np.array(found), (AXIS,))
        self._optimizer = ppo.make_optimizer(config)
        self._evaluation: Any = None
        self._compiled: Any = None

    def _spaces(self, env: Any) -> tuple[gymnasium.Space[Any], gymnasium.Space[Any]]:
        """Return the spaces of one policy's actions and observations."""
        return env.action_space(), env.observation_space()

    @property
    def specs(self) -> Any:
        """How the state is divided: environments by device, everything else whole."""
        whole, divided = PartitionSpec(), PartitionSpec(AXIS)
        state: Any = (whole, divided, whole, whole)
        return TrainState(*state)

    def start(self) -> TrainState:
        """Return the state before the first update, placed on the devices."""
        weights, envs, rest = jax.random.split(jax.random.key(self.config.seed), 3)

        def make() -> TrainState:
            params = init(self.network, weights)
            learner = Learner(params, self._optimizer.init(params))
            return self._state(learner, self._begin(envs), rest)

        return jax.jit(make, out_shardings=self.shardings(jax.eval_shape(make)))()

    def _state(self, learner: Learner, envs: Envs, key: jax.Array) -> Any:
        return TrainState(learner, envs, key, jnp.int32(0))

    def shardings(self, state: Any) -> Any:
        """Return the sharding of every leaf of a state."""
        spread = [
            jax.tree.map(lambda _, spec=spec: NamedSharding(self.mesh, spec), part)
            for part, spec in zip(state, self.specs, strict=True)
        ]
        return type(state)(*spread)

    def compile(self, state: TrainState) -> Callable[[TrainState], tuple[TrainState, Any]]:
        """Return one update as a compiled function: ``state -> state, metrics``; compiled once.

        The state given is used up. Metrics are float32 scalars, or int32 where they are counts.
        """
        if self._compiled is not None:
            return self._compiled
        step = jax.shard_map(
            self.update,
            mesh=self.mesh,
            in_specs=(self.specs,),
            out_specs=(self.specs, PartitionSpec()),
            check_vma=False,
        )
        self._compiled = jax.jit(step, donate_argnums=0).lower(state).compile()
        return self._compiled

    def reseed(self, seed: int) -> None:
        """Begin the next run with another seed, which no compiled update holds."""
        self.config = self.config.replace(seed=seed)
        self._evaluation = None

    def snapshot(self, state: TrainState) -> TrainState:
        """Return what a checkpoint must hold: the state."""
        return state

    def restore(self, state: TrainState) -> TrainState:
        """Return what a checkpoint held, on its devices; nothing is kept outside the state."""
        placed: TrainState = jax.device_put(state, self.shardings(state))
        return placed

    def examine(self, state: TrainState, update: int) -> dict[str, Any]:
        """Return what an evaluation after an update gave; nothing if none is due."""
        every = self.config.examined_every
        if not every or update % every:
            return {}
        if self._evaluation is None:
            self._evaluation = jax.jit(self._evaluated)
        # Parameters are whole on every device; one of them plays.
        params = jax.tree.map(lambda leaf: np.asarray(leaf), jax.device_get(state.learner.params))
        answer: dict[str, Any] = self._evaluation(params)
        return answer

    # -- traced ---------------------------------------------------------------------------------

    def _begin(self, key: jax.Array) -> Envs:
        count = self.config.num_envs
        observation, state = jax.vmap(self.env.reset)(jax.random.split(key, count))
        zeros = jnp.zeros(count, jnp.float32)
        starts, memory = jnp.ones(count, bool), self.network.start(count)
        length = jnp.zeros(count, jnp.int32)
        summed = zeros if self.config.normalize_rewards else ()
        return Envs(state, observation, starts, memory, zeros, zeros, length, summed)

    def update(self, state: TrainState) -> tuple[TrainState, dict[str, jax.Array]]:
        """Collect one rollout and learn from it, on one device's share of the environments."""
        key = jax.random.fold_in(state.key, state.update)
        play_key, learn_key = jax.random.split(key)
        lanes = chance.lane_keys(play_key, self.config.num_envs)
        share = self.config.num_envs // self.config.devices
        first = jax.lax.axis_index(AXIS) * share
        lanes = jax.lax.dynamic_slice_in_dim(lanes, first, share)
        envs, rollout, played = self.collect(state.learner.params, state.envs, lanes)
        learner, learnt = ppo.learn(self.network, self.config, state.learner, rollout, learn_key)
        metrics = {**played, **learnt}
        return TrainState(learner, envs, state.key, state.update + 1), metrics

    def collect(
        self, params: Any, envs: Envs, lanes: jax.Array
    ) -> tuple[Envs, Rollout, dict[str, jax.Array]]:
        """Play ``T`` steps; ``lanes`` are keys [B] of ``chance.lane_keys``."""
        memory = envs.memory
        apply = partial(apply_once, self.network, params)

        def step(carry: Envs, t: jax.Array) -> tuple[Envs, Any]:
            keys = chance.at_step(lanes, t)
            mask = jax.vmap(self.env.legal_actions)(carry.state) if self.masked else None
            with jax.named_scope(POLICY):
                after, distribution, value = apply(
                    carry.memory, carry.observation, carry.starts, mask
                )
                action = distribution.sample(noise_of(keys, self.head.noise_size))
                log_prob = distribution.log_prob(action)
            with jax.named_scope(ENVIRONMENT):
                observation, state, reward, terminated, truncated, info = jax.vmap(self.env.step)(
                    keys, carry.state, self.head.played(action)
                )
            ended = terminated | truncated
            learnt = normalizer.scaled(params, reward, self.config.reward_scale)
            summed: Any = ()
            if self.config.normalize_rewards:
                summed = carry.discounted * self.config.gamma + reward
            if self.env.truncates:
                final = info["final_observation"]
                cut = truncated & ~terminated
                learnt = learnt + self._bootstrap(apply, after, final, cut)
            returned = carry.returned + reward
            scored = carry.scored + self.env.score(reward)
            length = carry.length + 1
            kept = (carry.observation, carry.starts, mask, action, log_prob, value, learnt, ended)
            discounted = summed if self.config.normalize_rewards else None
            counted = (
                jnp.sum(ended, dtype=jnp.int32),
                jnp.sum(jnp.where(ended, returned, 0.0)),
                jnp.sum(jnp.where(ended, scored, 0.0)),
                jnp.sum(jnp.where(ended, length, 0)),
                jnp.mean(reward),
            )
            nxt = Envs(
                state,
                observation,
                ended,
                after,
                jnp.where(ended, 0.0, returned),
                jnp.where(ended, 0.0, scored),
                jnp.where(ended, 0, length),
                jnp.where(ended, 0.0, summed) if self.config.normalize_rewards else (),
            )
            return nxt, (kept, counted, discounted)

        envs, (kept, counted, discounted) = jax.lax.scan(
            step, envs, jnp.arange(self.config.horizon)
        )
        _, _, last_value = apply(envs.memory, envs.observation, envs.starts, None)
        rollout = Rollout(*(*kept, memory, last_value, discounted))
        *counted, rewards = counted
        episodes, returned, scored, length = jax.lax.psum([jnp.sum(each) for each in counted], AXIS)
        metrics = {
            "episodes": episodes,
            "return_sum": returned,
            "score_sum": scored,
            "length_sum": length,
            "reward": jax.lax.pmean(jnp.mean(rewards), AXIS),
            "observation": jax.lax.pmean(jnp.mean(rollout.observation.astype(jnp.float32)), AXIS),
        }
        return envs, rollout, metrics

    def _evaluated(self, params: Any) -> dict[str, jax.Array]:
        """Play ``evaluate_episodes`` whole episodes side by side, the same ones every time."""
        count = self.config.evaluate_episodes
        # Not the keys of training: their first split gives other ones.
        start, rest = jax.random.split(jax.random.fold_in(jax.random.key(self.config.seed), 1))
        lanes = chance.lane_keys(rest, count)
        observation, state = jax.vmap(self.env.reset)(jax.random.split(start, count))
        zeros = jnp.zeros(count, jnp.float32)
        alive = jnp.ones(count, bool)
        memory = self.network.start(count)
        first: Any = (jnp.int32(0), state, observation, memory, alive, zeros, zeros)

        def going(carry: Any) -> jax.Array:
            return jnp.any(carry[4]) & (carry[0] < EVALUATION_STEPS)

        def step(carry: Any) -> Any:
            t, state, observation, memory, alive, returned, length = carry
            mask = jax.vmap(self.env.legal_actions)(state) if self.masked else None
            starts = jnp.full(count, t == 0)
            memory, distribution, _ = apply_once(
                self.network, params, memory, observation, starts, mask
            )
            keys = chance.at_step(lanes, t)
            observation, state, reward, terminated, truncated, _ = jax.vmap(self.env.step)(
                keys, state, self.head.played(distribution.mode())
            )
            returned = returned + jnp.where(alive, reward, 0.0)
            length = length + alive
            alive = alive & ~(terminated | truncated)
            return t + 1, state, observation, memory, alive, returned, length

        *_, returned, length = jax.lax.while_loop(going, step, first)
        return {"evaluation": jnp.mean(returned), "evaluation_length": jnp.mean(length)}

    def _bootstrap(self, apply: Any, memory: Any, final: jax.Array, cut: jax.Array) -> Any:
        """Return the discounted value of the final observations of ``cut`` episodes, float32 [B].

        Cut were those that a time limit ended and the rules did not. The network is asked only in
        steps in which there are any.
        """

        def valued() -> jax.Array:
            _, _, value = apply(memory, final, jnp.zeros_like(cut), None)
            return jnp.where(cut, self.config.gamma * value, 0.0)

        return jax.lax.cond(jnp.any(cut), valued, lambda: jnp.zeros(cut.shape))


def noise_of(keys: jax.Array, size: int) -> jax.Array:
    """Return the policy's uniform noise in [0, 1), float32 [B, size], from the step's keys [B]."""
    each = [chance.unit(chance.bits(chance.stream(keys, NOISE + index))) for index in range(size)]
    return jnp.stack(each, axis=-1)
