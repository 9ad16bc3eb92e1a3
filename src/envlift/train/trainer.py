"""The training loop: updates, metrics, checkpoints, and a clear end whatever happens."""

# mypy: allow-untyped-calls

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import gymnasium
import jax
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from jax.experimental import multihost_utils

from envlift.adapters.lanes import refuse_fork
from envlift.registry import AnyEnv, make, make_alone
from envlift.train.config import Config, ConfigError
from envlift.train.games.selfplay import SelfPlay
from envlift.train.learning.fused import Fused
from envlift.train.learning.host import Host
from envlift.train.policies.networks import Maker, make_network
from envlift.train.policies.policy import Policy
from envlift.train.saving import checkpoint

BEST = "best"
"""Folder, in that of the run, of the checkpoint whose evaluation was best."""
RECENT = 100
"""Episodes over which returns and scores are averaged."""

Row = dict[str, Any]


class Recorder(Protocol):
    """Keeps the metrics of every update."""

    def record(self, row: Row) -> None:
        """Keep one update's metrics."""


class Display(Protocol):
    """Shows a person how far things are."""

    def update(self, row: Row) -> None:
        """Show one update's metrics."""


class DivergedError(RuntimeError):
    """A number became NaN or infinite; the message says which one, when, and what to try.

    Attributes:
        culprit: which one, of ``CULPRITS``; empty where nobody knows.
    """

    def __init__(self, message: str, culprit: str = "") -> None:
        super().__init__(message)
        self.culprit = culprit


@dataclass
class Trained:
    """What a run gave.

    Attributes:
        policy: the last one.
        history: one row of metrics per update, resumed runs from where they went on.
        compile_seconds: time until the first update could start.
        seconds: time of the updates.
        interrupted: Ctrl-C or SIGTERM ended the run early.
        best: the policy whose evaluation was best; None without evaluations.
    """

    policy: Policy
    history: list[Row] = field(default_factory=list)
    compile_seconds: float = 0.0
    seconds: float = 0.0
    interrupted: bool = False
    best: Policy | None = None


def train(
    config: Config,
    *,
    env: AnyEnv | None = None,
    vector_env: VectorEnv[Any, Any, Any] | None = None,
    score: Any = None,
    recorder: Recorder | None = None,
    display: Display | None = None,
    out: Path | None = None,
    resume: bool = False,
    network: Maker = make_network,
    evaluation_env: VectorEnv[Any, Any, Any] | None = None,
) -> Trained:
    """Train one policy.

    Args:
        config: of the run. ``config.collector`` chooses between the two below.
        env: for the fused collector, made with ``autoreset="same_step"``; by default the registered
            ``config.env``.
        vector_env: for the host collector; by default the registered environment's.
        score: for the host collector, what a person would count of rewards [B].
        recorder: keeps metrics.
        display: shows them.
        out: folder of checkpoints; None keeps none.
        resume: go on from the newest checkpoint in ``out``.
        network: makes a network of your own; ``load_policy`` must then be given it too.
        evaluation_env: for the host collector, ``config.evaluate_episodes`` environments to
            evaluate in; by default the registered environment's.

    Raises:
        ConfigError: for settings that do not fit each other or the environment.
        DivergedError: if a number became NaN or infinite.
        CheckpointError: if there is nothing to resume, it does not fit, another run is at work in
            ``out``, or a checkpoint cannot be written.
        ForkedError: in a process that was forked from one that had used JAX.
    """
    refuse_fork()
    collector = _collector(config, env, vector_env, score, network, evaluation_env)
    if resume:
        _folder(out)
    with contextlib.nullcontext() if out is None else checkpoint.claimed(out):
        *_, trained = _train(collector, recorder, display, out, resume, _stop_request)
    return trained


def train_by_updates(collector: Fused) -> Iterator[Trained]:
    """Train one policy by ``collector_of``'s, an update each time that it is asked to go on.

    Nothing is saved or shown, and no signal is caught.

    Yields:
        The same ``Trained`` once it is compiled and after each update, while the device works on
        the next one. Its policy is the trained one when nothing more is given.

    Raises:
        DivergedError, ForkedError: as ``train``.
    """
    refuse_fork()
    return _train(collector, None, None, None, False, lambda: contextlib.nullcontext(_never))


def collector_of(config: Config, env: AnyEnv) -> Fused:
    """Return what compiles a learner together with an environment.

    Raises:
        ConfigError: as ``train``.
    """
    collector = _collector(config.replace(collector="fused"), env, None, None, make_network, None)
    assert isinstance(collector, Fused)
    return collector


def _never() -> bool:
    return False


def _train(
    collector: Fused | Host,
    recorder: Recorder | None,
    display: Display | None,
    out: Path | None,
    resume: bool,
    stops: Callable[[], contextlib.AbstractContextManager[Callable[[], bool]]],
) -> Iterator[Trained]:
    config = collector.config
    begun = time.perf_counter()
    state: Any = collector.start()
    done, recent = 0, Recent()
    if resume:
        state, done, recent = _restored(collector, state, _folder(out))
    step = collector.compile(state)
    trained = Trained(_policy(collector, state))
    trained.compile_seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    loop = _Loop(config, trained, recent, recorder, display, begun)
    loop.out = out
    if resume and out is not None and checkpoint.latest(out / BEST) is not None:
        loop.best = checkpoint.read_about(out / BEST).get("evaluation")
    yield trained
    with stops() as stopped:
        pending: Any = None
        saved = done
        for update in range(done + 1, config.updates + 1):
            state, metrics = step(state)
            examined = collector.examine(state, update)
            metrics = metrics | examined
            # The device works on this update while the last one's numbers are looked at.
            if pending is not None:
                loop.note(*pending)
            pending = (update, metrics)
            every = config.checkpoint_every
            due = out is not None and every > 0 and update % every == 0
            # The host's next update waits for these numbers anyway, before it plays a step.
            if due or examined or isinstance(collector, Host):
                loop.note(*pending)
                pending = None
            if loop.is_best():
                trained.best = _policy(collector, state)
                trained.best.params = jax.tree.map(jax.device_get, state.learner.params)
                if out is not None:
                    _save(collector, state, loop, out / BEST, update, keep=1)
            if due:
                saved = _save(collector, state, loop, _folder(out), update)
            if _anywhere(stopped()) or loop.reached_target:
                break
            yield trained
        if pending is not None:
            loop.note(*pending)
        jax.block_until_ready(state.learner)
    trained.seconds = time.perf_counter() - begun
    trained.interrupted = stopped()
    trained.policy.params = jax.tree.map(jax.device_get, state.learner.params)
    last = int(state.update)
    if out is not None and saved != last:
        _save(collector, state, loop, out, last)
    yield trained


def _anywhere(asked: bool) -> bool:
    """Tell whether any process was asked to stop: all of them stop after the same update."""
    if jax.process_count() == 1:
        return asked
    return bool(np.any(multihost_utils.process_allgather(np.array(asked))))


def _collector(
    config: Config,
    env: AnyEnv | None,
    vector_env: Any,
    score: Any,
    network: Maker,
    evaluation_env: Any,
) -> Fused | Host:
    if config.self_play:
        if config.collector != "fused":
            raise ConfigError(
                "self_play = True is not allowed with collector = 'host': use the fused collector"
            )
        return SelfPlay(config, env or compiled_env(config), network=network)
    if config.collector == "fused":
        return Fused(config, env or compiled_env(config), network=network)
    if vector_env is None:
        vector_env, score = _vector_env(config)
        if config.examined_every and evaluation_env is None:
            evaluation_env, _ = _vector_env(config.replace(num_envs=config.evaluate_episodes))
    return Host(config, vector_env, score, network, evaluation_env)


def compiled_env(config: Config) -> AnyEnv:
    """Make the environment that the fused collector compiles: registered, or ``gymnax:ID``.

    A game is made as it is for self-play, and else against an opponent.

    Raises:
        ConfigError: for an option that it does not have.
        ValueError: for a name that is not known.
    """
    kind, _, name = config.env.rpartition(":")
    try:
        if kind == "gymnax":
            from envlift.adapters.gymnax import FromGymnax

            return FromGymnax(name, autoreset="same_step", **config.env_options)
        maker = make if config.self_play else make_alone
        return maker(config.env, **config.env_options)
    except TypeError as error:
        raise ConfigError(
            f"env_options = {config.env_options!r} is not allowed for {config.env}: {error}"
        ) from None


def _vector_env(config: Config) -> tuple[Any, Any]:
    """Make the environments that the configuration names: registered, or Gymnasium's own."""
    kind, _, name = config.env.rpartition(":")
    if kind == "gymnasium":
        try:
            vector: Any = gymnasium.make_vec(
                name,
                num_envs=config.num_envs,
                vectorization_mode="sync",
                vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
                **config.env_options,
            )
        except (gymnasium.error.Error, ModuleNotFoundError) as error:
            raise ConfigError(f"env = {config.env!r} cannot be made: {error}") from None
        except TypeError as error:
            raise ConfigError(
                f"env_options = {config.env_options!r} is not allowed for {name}: {error}"
            ) from None
        return vector, None
    if kind:
        raise ConfigError(
            f"env = {config.env!r} is not allowed here: give train() its vector_env, or name a "
            "registered environment or gymnasium:ID"
        )
    from envlift import make_vec

    vector = make_vec(
        config.env, num_envs=config.num_envs, autoreset_mode="same_step", **config.env_options
    )
    # A compiled environment has no ``Env`` beneath, and all of its reward is its score.
    env = getattr(vector, "env", None)
    return vector, None if env is None else env.score


def _policy(collector: Fused | Host, state: Any) -> Policy:
    return Policy(
        collector.config,
        collector.head,
        collector.reading,
        state.learner.params,
        lambda *_: collector.network,
    )


class Recent:
    """Means over the last episodes, of whole updates."""

    def __init__(self, updates: Iterable[Any] = ()) -> None:
        self._updates: deque[tuple[int, float, float, int]] = deque(map(tuple, updates))

    def to_list(self) -> list[tuple[int, float, float, int]]:
        """Return what makes an equal one."""
        return list(self._updates)

    def add(self, episodes: int, returned: float, scored: float, length: int) -> None:
        """Count one update's episodes, with the sums of what they gave."""
        if episodes == 0:
            return
        self._updates.append((episodes, returned, scored, length))
        while self.episodes - self._updates[0][0] >= RECENT:
            self._updates.popleft()

    @property
    def episodes(self) -> int:
        """How many the means are over: ``RECENT`` and the rest of the first update's."""
        return sum(update[0] for update in self._updates)

    def means(self) -> tuple[float | None, float | None, float | None]:
        """Return, score and length of an episode; None while none has ended."""
        if not self._updates:
            return None, None, None
        total = self.episodes
        columns = list(zip(*self._updates, strict=True))
        return sum(columns[1]) / total, sum(columns[2]) / total, sum(columns[3]) / total


def row_of(values: Row, recent: Recent, update: int, batch: int, seconds: float) -> Row:
    """Return an update's row of metrics from its numbers, and count its episodes.

    Args:
        values: what the collector gave; used up.
        recent: of the run; the update's episodes are added.
        update: its number, from 1.
        batch: environment steps of an update.
        seconds: since the first one began.
    """
    episodes = values.pop("episodes")
    sums = [values.pop(name) for name in ("return_sum", "score_sum", "length_sum")]
    recent.add(episodes, *sums)
    returned, scored, length = recent.means()
    values.pop("observation")
    return {
        "update": update,
        "steps": update * batch,
        "seconds": seconds,
        "sps": math.nan,
        "return": returned,
        "score": scored,
        "length": length,
        "episodes": episodes,
        **values,
    }


class _Loop:
    """Turns an update's numbers into a row, and stops what has gone wrong."""

    def __init__(
        self,
        config: Config,
        trained: Trained,
        recent: Recent,
        recorder: Recorder | None,
        display: Display | None,
        begun: float,
    ) -> None:
        self.begun = begun
        self.config, self.trained, self.recent = config, trained, recent
        self.recorder, self.display = recorder, display
        self.reached_target = False
        self.best: float | None = None
        self._examined: float | None = None
        self.out: Path | None = None
        self._last = 0.0

    def note(self, update: int, metrics: Any) -> None:
        values = {
            name: value.item() if hasattr(value, "item") else value
            for name, value in jax.device_get(metrics).items()
        }
        # Only now: before its numbers were fetched the update may not have ended.
        seconds = time.perf_counter() - self.begun
        steps = update * self.config.batch
        try:
            check_finite(values, update, steps)
        except DivergedError as error:
            raise DivergedError(f"{error}. {self._before()}", error.culprit) from None
        row = row_of(values, self.recent, update, self.config.batch, seconds)
        row["sps"] = self.config.batch / max(seconds - self._last, 1e-9)
        self._last = seconds
        self.trained.history.append(row)
        if self.recorder is not None:
            self.recorder.record(row)
        if self.display is not None:
            self.display.update(row)
        self._examined = row.get("evaluation")
        target = self.config.target_score
        if target is not None and row["score"] is not None and self.recent.episodes >= RECENT:
            self.reached_target = row["score"] >= target

    def is_best(self) -> bool:
        """Tell, once, whether the last update's evaluation is the best so far."""
        found, self._examined = self._examined, None
        if found is None or (self.best is not None and found <= self.best):
            return False
        self.best = found
        return True

    def _before(self) -> str:
        """Say what came before a number that was not finite, and where one can go back to."""
        kept = None if self.out is None else checkpoint.latest(self.out)
        told = "There is no checkpoint from before it"
        if kept is not None:
            told = f"The newest checkpoint is from before it, of update {kept}"
        largest = max(self.trained.history, key=lambda row: row["approx_kl"], default=None)
        if largest is not None and largest["approx_kl"] > 1.0:
            told += (
                f". In update {largest['update']} the policy had moved by a KL of "
                f"{largest['approx_kl']:.3g}, where 0.05 is much"
            )
        return told


CULPRITS = {
    "observation": "an observation of the environment",
    "reward": "a reward of the environment",
    "value_loss": "the value loss",
    "policy_loss": "the policy loss",
    "entropy": "the policy's entropy",
    "gradient_norm": "the gradient",
}
"""In the order in which one NaN causes the next."""


def check_finite(values: Row, update: int, steps: int) -> None:
    """Stop if a number of an update is NaN or infinite.

    Raises:
        DivergedError: naming the first culprit and the step.
    """
    for name, words in CULPRITS.items():
        if name in values and not math.isfinite(values[name]):
            if name in ("observation", "reward"):
                remedy = "the environment's rules are at fault: verify it"
            else:
                remedy = "try a lower learning_rate or max_gradient_norm"
            raise DivergedError(
                f"{words} was {values[name]} in update {update}, before step {steps:,}; {remedy}",
                name,
            )


STOPS = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and what a scheduler sends before it kills."""


@contextlib.contextmanager
def _stop_request() -> Iterator[Callable[[], bool]]:
    """Let the first of ``STOPS`` end the loop after its update, the second one everything."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = threading.Event()

    def ask(number: int, frame: Any) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = {number: signal.signal(number, ask) for number in STOPS}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _folder(out: Path | None) -> Path:
    if out is None:
        raise ValueError("resume needs out, the folder of the run")
    return out


def _save(
    collector: Fused | Host, state: Any, loop: _Loop, out: Path, update: int, keep: int = 3
) -> int:
    about = loop.trained.policy.about() | {
        "update": update,
        "steps": update * collector.config.batch,
        "recent": loop.recent.to_list(),
        "evaluation": loop.best,
    }
    checkpoint.save(out, update, collector.snapshot(state), about, keep=keep)
    return update


def _restored(collector: Fused | Host, state: Any, out: Path) -> tuple[Any, int, Recent]:
    config = collector.config.to_dict()
    state, about = checkpoint.restore(out, collector.snapshot(state), config=config)
    return collector.restore(state), int(about["update"]), Recent(about["recent"])
