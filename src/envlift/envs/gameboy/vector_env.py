"""Game Boys as a Gymnasium ``VectorEnv``.

Shape letters: ``N`` environments, ``H`` and ``W`` height and width of a picture, ``C`` channels,
``V`` variables of the game file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envlift.envs.gameboy import game as games
from envlift.envs.gameboy.native import native

OBSERVATIONS = ("screen", "memory")
ACTIONS = ("discrete", "buttons")
_WORK_RAM = range(0xC000, 0xE000)


class GameBoyVectorEnv(VectorEnv[Any, Any, Any]):
    """Many Game Boys with one ROM, stepped side by side by a pool of threads.

    Observation: the screen, uint8 [N, H, W, C], or the variables of the game file, float32 [N, V],
    or all work RAM, uint8 [N, 8192]. Action: the number of a row of the game file's ``actions``,
    int64 [N], or a button mask (``buttons.BUTTONS``), int64 [N] from 0 to 255. Reward and end come
    from the game file; an episode is cut off after ``max_steps``.

    Example::

        envs = envlift.make_vec("gameboy", num_envs=64)  # Bricks, a game of our own
        observation, info = envs.reset(seed=0)

    Args:
        rom: path of a ROM, its bytes, or None for the one that the game file names.
        game: path of a game file, the name of one that comes with envlift, or None: Bricks without
            a ROM, no reward and no end with one.
        num_envs: how many machines.
        frame_skip: frames of a step; the picture is that of the last.
        hold: frames of a step during which the buttons are held; all by default.
        observation: ``screen``, ``memory`` (the game file's variables) or ``ram``.
        color: pictures in RGB, not in grey.
        downscale: each pixel is the mean of a square of this many.
        action: ``discrete`` or ``buttons``.
        max_steps: an episode is truncated after so many steps; 0 for never.
        model: ``auto``, ``dmg`` or ``cgb``.
        boot_rom: path or bytes of a boot ROM that machines run when they are switched on; without
            one they begin in the documented state after it.
        threads: of the pool; 0 for one a core.
        render_mode: ``rgb_array`` draws the last frame of each step for ``render`` even where
            pictures are not observed.
        autoreset_mode: ``next_step``, ``same_step`` or ``disabled``, or Gymnasium's enum.
        seed: of the first ``reset``, if that one names none; None takes a fresh one.

    Raises:
        ImportError: if the compiled package is not installed.
        GameFileError: for a game file that is wrong, or that is for another ROM.
        ValueError: for a ROM that cannot be run, or an option out of range.
        OSError: for a ROM that cannot be read.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 60}

    def __init__(
        self,
        rom: str | Path | bytes | None = None,
        *,
        game: str | Path | None = None,
        num_envs: int,
        frame_skip: int = 4,
        hold: int | None = None,
        observation: str = "screen",
        color: bool = False,
        downscale: int = 1,
        action: str = "discrete",
        max_steps: int = 0,
        model: str = "auto",
        boot_rom: str | Path | bytes | None = None,
        threads: int = 0,
        render_mode: str | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        seed: int | None = 0,
    ) -> None:
        _one_of("observation", observation, (*OBSERVATIONS, "ram"))
        _one_of("action", action, ACTIONS)
        if render_mode is not None:
            _one_of("render_mode", render_mode, tuple(self.metadata["render_modes"]))
        _at_least("frame_skip", frame_skip, 1)
        _at_least("max_steps", max_steps, 0)
        self.hold = frame_skip if hold is None else hold
        _at_least("hold", self.hold, 0)
        self.game = _game(rom, game)
        self.rom = _rom(rom, self.game)
        self.game.check(self.rom)
        self.frame_skip, self.max_steps = frame_skip, max_steps
        self.autoreset_mode = _mode(autoreset_mode)
        self.metadata = {
            **self.metadata,
            "autoreset_mode": self.autoreset_mode,
            "render_fps": max(1, round(self.metadata["render_fps"] / frame_skip)),
        }
        self.render_mode = render_mode
        self._draws = observation == "screen" or render_mode is not None
        self._observes, self._masks = observation, action == "buttons"
        self._seed: int | None = seed
        self._variables = list(self.game.variables.values())
        watch = [address for variable in self._variables for address in variable.addresses()]
        self._columns = np.cumsum([0, *(len(v.addresses()) for v in self._variables)])
        if observation == "ram":
            watch += list(_WORK_RAM)
        self._batch = native().Batch(
            self.rom,
            num_envs,
            model=model,
            threads=threads,
            channels=3 if color else 1,
            downscale=downscale,
            watch=watch,
            boot_rom=Path(boot_rom).read_bytes() if isinstance(boot_rom, str | Path) else boot_rom,
        )
        self.num_envs = num_envs
        self._pictures = np.zeros((num_envs, *self._batch.picture_shape), np.uint8)
        self._watched = np.zeros((num_envs, len(watch)), np.uint8)
        self._actions = np.array(self.game.actions, np.uint8)
        self._rng = [np.random.default_rng()] * num_envs
        self._length = np.zeros(num_envs, np.int64)
        self._over = np.zeros(num_envs, np.bool_)
        self._values: dict[str, NDArray[np.int64]] = {}
        self.start_state: bytes = self._first_state()
        self._make_spaces()

    def _make_spaces(self) -> None:
        if self._observes == "screen":
            shape: tuple[int, ...] = self._pictures.shape[1:]
            space: Any = gymnasium.spaces.Box(0, 255, shape, np.uint8)
        elif self._observes == "ram":
            space = gymnasium.spaces.Box(0, 255, (len(_WORK_RAM),), np.uint8)
        else:
            if not self._variables:
                raise ValueError(
                    "observation='memory' needs a game file with variables; name one with game="
                )
            shape = (len(self._variables),)
            space = gymnasium.spaces.Box(-(2.0**24), 2.0**24, shape, np.float32)
        count = 256 if self._masks else len(self._actions)
        self.single_observation_space = space
        self.single_action_space = gymnasium.spaces.Discrete(count)
        self.observation_space = batch_space(space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def _first_state(self) -> bytes:
        """Return the state in which episodes begin, after the presses of the game file."""
        self._press(0, self.game.start.presses)
        return bytes(self._batch.save_state(0))

    def _press(self, lane: int, presses: tuple[games.Press, ...]) -> None:
        for press in presses:
            self._batch.run_one(lane, press.mask, press.hold, render=press.wait == 0)
            self._batch.run_one(lane, 0, press.wait, render=True)

    # --- episodes ---------------------------------------------------------------------------

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in each environment, or where ``options["reset_mask"]`` is true.

        Environment i takes the seed ``seed + i``, or entry i of a list.
        """
        mask = np.ones(self.num_envs, np.bool_)
        if options is not None and "reset_mask" in options:
            mask = np.asarray(options["reset_mask"], np.bool_)
            if mask.shape != (self.num_envs,) or not mask.any():
                raise ValueError(
                    f"reset_mask has shape {mask.shape}; make it bool [{self.num_envs}] with at "
                    "least one true"
                )
        if seed is None and self._seed is not None:
            seed, self._seed = self._seed, None
        elif seed is None and self._seed is None and not self._values:
            seed = int(np.random.SeedSequence().generate_state(1)[0] >> 1)
        self._seed = None
        if isinstance(seed, int | np.integer):
            seeds: list[int | None] = [int(seed) + lane for lane in range(self.num_envs)]
        else:
            seeds = [None] * self.num_envs if seed is None else list(seed)
        if len(seeds) != self.num_envs:
            raise ValueError(f"{len(seeds)} seeds for {self.num_envs} environments")
        for lane in np.flatnonzero(mask):
            if seeds[lane] is not None:
                self._rng[lane] = np.random.default_rng(seeds[lane])
            self._begin(int(lane))
        self._read()
        return self._observation(), {}

    def _begin(self, lane: int) -> None:
        start, rng = self.game.start, self._rng[lane]
        self._batch.load_state(lane, self.start_state)
        if start.divider:
            self._batch.set_divider(lane, int(rng.integers(0x10000)))
        if start.noop_frames:
            frames = int(rng.integers(start.noop_frames + 1))
            self._batch.run_one(lane, 0, frames, render=True)
        self._press(lane, start.begin)
        self._batch.observe_one(lane, self._wanted_pictures(), self._watched)
        self._length[lane] = 0
        self._over[lane] = False

    def step(
        self, actions: Any
    ) -> tuple[Any, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Hold buttons and run ``frame_skip`` frames in each environment."""
        if not self._values:
            raise gymnasium.error.ResetNeeded("call reset before step")
        actions = np.asarray(actions)
        if actions.shape != (self.num_envs,) or actions.dtype.kind not in "iu":
            raise ValueError(
                f"actions are {actions.dtype} of shape {actions.shape}; make them integers "
                f"[{self.num_envs}]"
            )
        count = int(self.single_action_space.n)  # type: ignore[attr-defined]
        if actions.min() < 0 or actions.max() >= count:
            raise ValueError(
                f"actions run from 0 to {count - 1}; got {actions.min()} to {actions.max()}"
            )
        pressed = actions.astype(np.uint8) if self._masks else self._actions[actions]
        waiting = self._over.copy()
        before = self._values
        self._batch.step(
            pressed, self.frame_skip, self.hold, self._wanted_pictures(), self._watched
        )
        self._read()
        reward = np.zeros(self.num_envs)
        for term in self.game.rewards:
            reward += term.of(before[term.variable], self._values[term.variable])
        terminated = np.zeros(self.num_envs, np.bool_)
        for condition in self.game.ends:
            terminated |= condition.holds(self._values[condition.variable])
        self._length += 1
        truncated = np.zeros(self.num_envs, np.bool_)
        if self.max_steps:
            truncated = (self._length >= self.max_steps) & ~terminated
        info: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.NEXT_STEP and waiting.any():
            self._restart(waiting)
            for result in (reward, terminated, truncated):
                result[waiting] = 0
        self._over = terminated | truncated
        if self.autoreset_mode is AutoresetMode.SAME_STEP and self._over.any():
            over = self._over.copy()
            final = np.full(self.num_envs, None, dtype=object)
            observation = self._observation()
            for lane in np.flatnonzero(over):
                final[lane] = observation[lane].copy()
            info = {"final_obs": final, "_final_obs": over, "final_info": {}, "_final_info": over}
            self._restart(over)
        return self._observation(), reward, terminated, truncated, info

    def _restart(self, mask: NDArray[np.bool_]) -> None:
        for lane in np.flatnonzero(mask):
            self._begin(int(lane))
        self._read()

    # --- what is seen -----------------------------------------------------------------------

    def _wanted_pictures(self) -> NDArray[np.uint8] | None:
        return self._pictures if self._draws else None

    def _read(self) -> None:
        self._values = {
            variable.name: variable.read(self._watched[:, low:high])
            for variable, low, high in zip(
                self._variables, self._columns, self._columns[1:], strict=False
            )
        }
        self._values.setdefault("", np.zeros(self.num_envs, np.int64))

    def _observation(self) -> Any:
        if self._observes == "screen":
            return self._pictures.copy()
        if self._observes == "ram":
            return self._watched[:, self._columns[-1] :].copy()
        return np.stack([self._values[v.name] for v in self._variables], 1).astype(np.float32)

    def values(self) -> dict[str, NDArray[np.int64]]:
        """Return the game file's variables as they are now, int64 [N] each."""
        return {v.name: self._values[v.name].copy() for v in self._variables}

    def render(self) -> tuple[NDArray[np.uint8], ...]:
        """Return the screens, uint8 [144, 160, 3] each, after the last step or reset.

        Raises:
            gymnasium.error.Error: where pictures are neither observed nor asked for.
        """
        if not self._draws:
            raise gymnasium.error.Error("nothing is drawn: make it with render_mode='rgb_array'")
        screens = []
        machine = native().GameBoy(self.rom, "cgb" if self._batch.is_color else "dmg")
        for lane in range(self.num_envs):
            screen = np.zeros((144, 160, 3), np.uint8)
            machine.load_state(self._batch.save_state(lane))
            machine.picture(screen)
            screens.append(screen)
        return tuple(screens)

    # --- saving -----------------------------------------------------------------------------

    def save_state(self, lane: int) -> bytes:
        """Return the state of one machine, with version and checksum."""
        return bytes(self._batch.save_state(lane))

    def load_state(self, lane: int, state: bytes) -> None:
        """Put one machine into a saved state; its episode goes on from there.

        Raises:
            ValueError: if the state is damaged, of another version or of another ROM.
        """
        self._batch.load_state(lane, state)
        self._batch.observe_one(lane, self._wanted_pictures(), self._watched)
        self._read()

    def save(self) -> dict[str, Any]:
        """Return all that a run needs to go on, for ``restore``, as arrays for a checkpoint.

        ``states`` uint8 [N, bytes of a state], ``rng`` uint32 [N, 10], ``length`` int64 [N],
        ``over`` bool [N].
        """
        states = [np.frombuffer(self.save_state(lane), np.uint8) for lane in range(self.num_envs)]
        return {
            "states": np.stack(states),
            "rng": np.stack([_rng_words(rng) for rng in self._rng]),
            "length": self._length.copy(),
            "over": self._over.copy(),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Take over what ``save`` returned."""
        self._seed = None
        for lane, state in enumerate(np.asarray(saved["states"], np.uint8)):
            self.load_state(lane, state.tobytes())
            self._rng[lane] = _rng_of(np.asarray(saved["rng"][lane], np.uint32))
        self._length = np.array(saved["length"], np.int64)
        self._over = np.array(saved["over"], np.bool_)


def _rng_words(rng: np.random.Generator) -> NDArray[np.uint32]:
    """Return the state of a PCG64: two numbers of 128 bits, a flag, and half a number kept."""
    state: Any = rng.bit_generator.state
    numbers = [state["state"]["state"], state["state"]["inc"]]
    words = [number >> shift & 0xFFFFFFFF for number in numbers for shift in range(0, 128, 32)]
    return np.array([*words, state["has_uint32"], state["uinteger"]], np.uint32)


def _rng_of(words: NDArray[np.uint32]) -> np.random.Generator:
    """Return the generator whose state these are, see ``_rng_words``."""
    *numbers, has_half, half = (int(word) for word in words)
    state, inc = (
        sum(word << 32 * place for place, word in enumerate(four))
        for four in (numbers[:4], numbers[4:])
    )
    rng = np.random.Generator(np.random.PCG64())
    rng.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state, "inc": inc},
        "has_uint32": has_half,
        "uinteger": half,
    }
    return rng


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name} is {value!r}; choose one of {', '.join(known)}")


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} is {value}; choose {least} or more")


def _mode(mode: str | AutoresetMode) -> AutoresetMode:
    if isinstance(mode, AutoresetMode):
        return mode
    known = {member.name.lower(): member for member in AutoresetMode}
    if mode not in known:
        raise ValueError(f"autoreset_mode is {mode!r}; choose one of {', '.join(known)}")
    return known[mode]


def _game(rom: str | Path | bytes | None, game: str | Path | None) -> games.Game:
    if game is not None:
        return games.load(game)
    if rom is None:
        return games.load("bricks")
    from envlift.envs.gameboy.buttons import BUTTONS

    return games.Game(
        title="a ROM without a game file",
        rom=None,
        sha1=None,
        variables={},
        rewards=(),
        ends=(),
        actions=(0, *BUTTONS.values()),
        start=games.Start((), 0, False, ()),
    )


def _rom(rom: str | Path | bytes | None, game: games.Game) -> bytes:
    if isinstance(rom, bytes):
        return rom
    path = game.rom if rom is None else Path(rom)
    if path is None:
        raise ValueError(f"the game file of {game.title} comes without a ROM: name yours with rom=")
    return path.read_bytes()
