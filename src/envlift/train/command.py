"""``envlift train`` and ``envlift play``: from the words of a command line to a run.

Importing this module is light: what the extra ``train`` installs is imported when a command runs.
"""

from __future__ import annotations

import argparse
import contextlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envlift.train import settings
from envlift.train.config import Config, ConfigError
from envlift.train.extra import PICTURES, POLICIES, require_extra
from envlift.train.showing.trackers import SERVICES, tracker

if TYPE_CHECKING:
    from rich.console import Console

    from envlift.registry import AnyEnv
    from envlift.train.play import Episode
    from envlift.train.showing.film import Film

EXIT_DIVERGED = 1
EXIT_INTERRUPTED = 130


def add_train(commands: Any) -> None:
    """Add ``train`` to the commands of a parser."""
    train = commands.add_parser(
        "train",
        add_help=False,  # settings bring one that knows each environment's own
        help="PPO, compiled together with the environment",
        description=(
            "Train a policy by PPO. Settings come from their defaults, then from the environment's "
            "own (its train.toml), then from the TOML file of --config, then from the command line."
        ),
    )
    train.add_argument("--out", type=Path, metavar="DIR", help="default: runs/NAME-DATE-SEED")
    train.add_argument(
        "--resume",
        type=Path,
        metavar="DIR",
        help="go on with the run in DIR, with its settings unless others are given",
    )
    train.add_argument(
        "--plain", action="store_true", help="leave out the environment's own settings"
    )
    train.add_argument("--tensorboard", action="store_true", help="write TensorBoard's files too")
    train.add_argument(
        "--track",
        action="append",
        default=[],
        choices=SERVICES,
        help="send the metrics to a tracking service too; may be given twice",
    )
    train.add_argument(
        "--sweep",
        action="append",
        default=[],
        metavar="FIELD=VALUES",
        help=(
            "train every combination of values in one program: seed=0..15, learning_rate=1e-3,3e-4;"
            " may be given several times"
        ),
    )
    train.add_argument("--quiet", action="store_true", help="say nothing of what goes well")
    settings.add_arguments(train)
    train.set_defaults(run=_train)


def add_play(commands: Any) -> None:
    """Add ``play`` to the commands of a parser."""
    play = commands.add_parser("play", help="watch a trained policy: its return, and a GIF")
    play.add_argument("name", help="a registered environment, or gymnasium:ID")
    who = play.add_mutually_exclusive_group(required=True)
    who.add_argument("--checkpoint", type=Path, metavar="RUN", help="folder of a training run")
    who.add_argument("--random", action="store_true", help="take random actions")
    play.add_argument("--gif", type=Path, metavar="FILE", help="film the episodes")
    play.add_argument(
        "--log",
        type=Path,
        nargs="?",
        const=Path("-"),
        metavar="FILE",
        help="tell the episodes in the environment's own words, where it has some",
    )
    play.add_argument("--seed", type=int, default=0, help="of the game's and the policy's chance")
    play.add_argument("--episodes", type=int, default=1, metavar="N")
    play.add_argument("--max-steps", type=int, default=10_000, metavar="N", help="of an episode")
    play.add_argument("--greedy", action="store_true", help="take the most probable action")
    play.add_argument("--scale", type=float, default=0.5, metavar="X", help="of the pictures")
    play.add_argument(
        "--fps", type=int, metavar="N", help="pictures per second; by default as fast as it happens"
    )
    play.add_argument(
        "--seconds", type=float, default=30.0, metavar="X", help="length of the GIF at most"
    )
    play.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the environment; by default those of the training",
    )
    play.set_defaults(run=_play)


def _train(options: argparse.Namespace) -> int:
    require_extra("train")
    import jax
    from rich.console import Console

    from envlift.registry import vector_registration
    from envlift.train import metrics
    from envlift.train.showing.display import ConsoleDisplay
    from envlift.train.trainer import DivergedError, compiled_env, train

    console = Console(highlight=False, soft_wrap=True)
    config, resume_at = _what_to_train(options, console)
    if config.devices > 1:
        # Only a CPU can be divided, and only before its first use; elsewhere it changes nothing.
        with contextlib.suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", config.devices)  # type: ignore[no-untyped-call]
    is_compiled = vector_registration(config.env) is not None
    if is_compiled or (":" in config.env and not config.env.startswith("gymnax:")):
        config = config.replace(collector="host")
    if options.sweep:
        return _sweep(options, config, console)
    env = vector_env = score = None
    if config.env.startswith("reference:"):
        vector_env, score = options.open_reference(config)
    if config.collector == "fused":
        # Made here, so that what is wrong with it is told before a folder is.
        env = compiled_env(config)
    elif is_compiled:
        vector_env = _make_vector(config.env, config.env_options, config.num_envs)
    elif ":" not in config.env:
        _make(config.env, config.env_options)
    folder = options.resume or metrics.run_folder(config, options.out)
    names = [*(["tensorboard"] if options.tensorboard else []), *options.track]
    trackers = [tracker(name, folder, config, resume_at) for name in names]
    recorder = metrics.Recorder(folder, config, trackers=trackers, resume_at=resume_at)
    display = ConsoleDisplay(console, config, quiet=options.quiet)
    try:
        with recorder, display:
            trained = train(
                config,
                env=env,
                vector_env=vector_env,
                score=score,
                recorder=recorder,
                display=display,
                out=folder,
                resume=options.resume is not None,
            )
    except DivergedError as error:
        _draw(config, folder)
        console.print(f"envlift: {error}. The run is in {folder}", markup=False)
        return EXIT_DIVERGED
    files = _draw(config, folder) if trained.history else []
    if not options.quiet:
        _tell(console, config, trained, folder, files)
    if trained.interrupted:
        console.print(f"interrupted; go on with: envlift train --resume {folder}", markup=False)
        return EXIT_INTERRUPTED
    return 0


def _sweep(options: argparse.Namespace, config: Config, console: Console) -> int:
    """Train several runs at once, and say which came out best."""
    from rich.table import Table

    from envlift.train import curve, metrics
    from envlift.train.sweep import best, folder_of, grid, sweep
    from envlift.train.trainer import DivergedError

    if options.resume is not None or options.track or options.tensorboard:
        raise ConfigError(
            "a sweep takes no --resume, --track or --tensorboard: each of its runs can be resumed "
            "by itself afterwards"
        )
    values = dict(settings.read_values(words) for words in options.sweep)
    count = len(grid(config, values))
    folder = metrics.run_folder(config, options.out)
    every = max(1, config.updates // 20)

    def tell(update: int, updates: int, rows: Sequence[Any]) -> None:
        known = [row["return"] for row in rows if row["return"] is not None]
        reached = f"return {min(known):+.2f} to {max(known):+.2f}" if known else "no episode yet"
        if not options.quiet and (update % every == 0 or update == updates):
            console.print(
                f"update {update} of {updates}, {rows[0]['steps']:,} steps each, "
                f"{rows[0]['sps']:,.0f} a second over {count} runs; {reached}",
                markup=False,
            )

    try:
        found = sweep(config, values, out=folder, told=tell)
    except DivergedError as error:
        console.print(f"envlift: {error}. What was learnt is in {folder}", markup=False)
        return EXIT_DIVERGED
    by_setting: dict[str, list[Any]] = {}
    others = {name: several for name, several in values.items() if name != "seed"}
    for one, history in zip(found.configs, found.histories, strict=True):
        by_setting.setdefault(folder_of(one, others), []).append(history)
    files = ["curve.png"]
    try:
        curve.draw(by_setting, folder / "curve.png", title=f"{config.env}, {count} runs")
    except ValueError:
        files = []
    if options.quiet:
        return 0
    table = Table(box=None, pad_edge=False)
    for name in (*values, "return", "score"):
        table.add_column(name, justify="right")
    for number in best(found):
        row, one = found.histories[number][-1], found.configs[number]
        shown = ["-" if row[name] is None else f"{row[name]:+.2f}" for name in ("return", "score")]
        table.add_row(*(str(getattr(one, name)) for name in values), *shown)
    console.print(table)
    steps = count * config.updates * config.batch
    console.print(
        f"{count} runs, {steps:,} steps in {found.seconds:.1f} s, {steps / found.seconds:,.0f} a "
        f"second; {found.compile_seconds:.1f} s of compilation before\n"
        f"{folder}: {', '.join([*files, 'one folder per run'])}",
        markup=False,
    )
    return 0


def _what_to_train(options: argparse.Namespace, console: Console) -> tuple[Config, int | None]:
    """Return the settings and, for a resumed run, the environment steps it has done."""
    if options.resume is None:
        config = settings.read(options)
        if not settings.names_env(options):
            raise ConfigError("name an environment to train; envlift list shows them")
        own = None if options.plain else settings.preset(config.env)
        if own is not None:
            config = settings.read(options, Config(**settings.read_file(own)))
        return config, None
    from envlift.train.saving import checkpoint

    for other in ("out", "config"):
        if getattr(options, other) is not None:
            raise ConfigError(f"--resume goes on in its own folder: leave out --{other}")
    about = checkpoint.read_about(options.resume)
    before = Config.of(about["config"])
    config = settings.read(options, before)
    if config.env != before.env:
        raise ConfigError(f"{options.resume} is a run of {before.env}, not of {config.env}")
    # Not what was saved itself: an older version knew fewer settings.
    earlier = before.to_dict()
    changed = [
        f"{name} = {value!r} instead of {earlier[name]!r}"
        for name, value in config.to_dict().items()
        if earlier[name] != value
    ]
    if changed:
        console.print(f"resumes with {', '.join(changed)}", markup=False)
    return config, int(about["steps"])


def _draw(config: Config, folder: Path) -> list[str]:
    """Draw the learning curve; return the names of what a run left in its folder."""
    from envlift.train import curve, metrics
    from envlift.train.showing.display import title

    drawn = []
    with contextlib.suppress(FileNotFoundError, ValueError):
        rows = metrics.read(folder)
        path = folder / "curve.png"
        if not config.self_play:
            curve.draw({config.env: rows}, path, title=title(config))
        else:
            curve.draw(curve.against(rows), path, y="win_rate", title=title(config))
        drawn = [path.name]
        if config.self_play:
            curve.draw({config.env: rows}, folder / "elo.png", y="elo", title=title(config))
            drawn.append("elo.png")
    return [metrics.FILE, *drawn, "checkpoints/"]


def _tell(console: Console, config: Config, trained: Any, folder: Path, files: list[str]) -> None:
    """Say what came of a run."""
    from envlift.train import metrics
    from envlift.train.showing.display import examined

    if not trained.history:
        console.print(
            f"nothing is left to do: {folder} has done its {config.total_steps:,} steps; "
            "--total-steps makes it longer",
            markup=False,
        )
        return
    if "curve.png" not in files:
        console.print(
            "no learning curve: fewer than two examinations against bots"
            if config.self_play
            else "no learning curve: fewer than two updates saw an episode end"
        )
    rows = metrics.read(folder)
    last = rows[-1]
    steps = len(trained.history) * config.batch
    reached = "no episode has ended yet"
    if not math.isnan(last["return"]):
        reached = (
            f"last episodes: return {last['return']:+.2f}, score {last['score']:+.2f}, "
            f"{last['length']:,.0f} steps"
        )
    strength = examined(rows)
    if strength:
        reached += f"\nagainst bots: {strength}"
    console.print(
        f"{steps:,} steps in {trained.seconds:.1f} s, {steps / trained.seconds:,.0f} a second; "
        f"{trained.compile_seconds:.1f} s of compilation before\n{reached}\n"
        f"{folder}: {', '.join(files)}",
        markup=False,
    )
    if config.self_play:
        command = f"envlift arena {config.env} {folder} random"
        console.print(f"rate it: {command}", markup=False)
    if not config.env.startswith("reference:"):
        film = config.env.rpartition(":")[2].replace("/", "-")
        command = f"envlift play {config.env} --checkpoint {folder} --gif {film}.gif"
        console.print(f"watch it: {command}", markup=False)


def _play(options: argparse.Namespace) -> int:
    policies = () if options.random else POLICIES
    require_extra("play", (*policies, *(PICTURES if options.gif is not None else ())))
    from envlift.registry import vector_registration
    from envlift.train.play import (
        RandomPlayer,
        camera,
        load_policy,
        play,
        real_time,
        teller,
    )

    chosen = settings.read_options(options.option)
    player: Any = None
    if options.checkpoint is not None:
        player = load_policy(options.checkpoint)
        trained_in = player.config.env.removeprefix("reference:")
        if trained_in != options.name:
            raise ConfigError(
                f"{options.checkpoint} is a run of {trained_in}, not of {options.name}"
            )
        chosen = player.config.env_options | chosen
    if options.name.startswith("gymnasium:"):
        return _play_gymnasium(options, player, chosen)
    if vector_registration(options.name) is not None:
        return _play_compiled(options, player, chosen)
    env = _make(options.name, chosen | {"autoreset": "disabled"})
    told: list[str] = []
    tell = None
    if options.log is not None:
        tell_one = teller(options.name, dict(env.info.options))

        def tell(draws: Any, actions: Any, states: Any) -> None:
            told.append(tell_one(draws, actions, states))

    if player is None:
        player = RandomPlayer(env.action_space())
    else:
        _require_fit(player, repr(env), env.observation_space(), env.action_space())
    film = None
    if options.gif is not None:
        from envlift.train.showing.film import Film

        fps = real_time(options.name) if options.fps is None else options.fps
        film = Film(fps=fps, seconds=options.seconds)
    episodes = play(
        env,
        player,
        seed=options.seed,
        episodes=options.episodes,
        max_steps=options.max_steps,
        greedy=options.greedy,
        view=None if film is None else camera(env, film, options.scale),
        tell=tell,
    )
    log = "\n".join(told)
    if options.log == Path("-"):
        print(log)
    elif options.log is not None:
        options.log.write_text(log, encoding="utf-8")
        print(f"{options.log}: {len(log.splitlines()):,} lines")
    _tell_episodes(episodes)
    if film is not None:
        _save_film(film, options.gif)
    return 0


def _play_gymnasium(options: argparse.Namespace, player: Any, chosen: dict[str, Any]) -> int:
    """Play a Gymnasium environment, with its own pictures."""
    import gymnasium

    name = options.name.removeprefix("gymnasium:")
    if options.gif is not None:
        chosen = chosen | {"render_mode": "rgb_array"}
    try:
        env: gymnasium.Env[Any, Any] = gymnasium.make(name, **chosen)
    except (gymnasium.error.Error, ModuleNotFoundError, TypeError) as error:
        raise ConfigError(f"{options.name} with {chosen} cannot be made: {error}") from None
    return _play_pictured(options, env, player)


def _play_compiled(options: argparse.Namespace, player: Any, chosen: dict[str, Any]) -> int:
    """Play one environment of a compiled vector, with its own pictures."""
    from envlift.train.play import Single

    if options.gif is not None:
        chosen = chosen | {"render_mode": "rgb_array"}
    vector = _make_vector(options.name, chosen, 1, autoreset_mode="disabled")
    return _play_pictured(options, Single(vector), player)


def _play_pictured(options: argparse.Namespace, env: Any, player: Any) -> int:
    from envlift.train.play import RandomPlayer, play_gymnasium

    if options.log is not None:
        raise ConfigError(f"{options.name} has no words of its own: leave out --log")
    with contextlib.closing(env):
        if player is None:
            player = RandomPlayer(env.action_space)
        else:
            _require_fit(player, options.name, env.observation_space, env.action_space)
        film = None
        if options.gif is not None:
            from envlift.train.showing.film import Film

            fps = options.fps or min(int(env.metadata.get("render_fps") or 30), 50)
            film = Film(fps=fps, seconds=options.seconds)
        episodes = play_gymnasium(
            env,
            player,
            seed=options.seed,
            episodes=options.episodes,
            max_steps=options.max_steps,
            greedy=options.greedy,
            film=film,
        )
    _tell_episodes(episodes)
    if film is not None:
        _save_film(film, options.gif)
    return 0


def _tell_episodes(episodes: Sequence[Episode]) -> None:
    for number, episode in enumerate(episodes, start=1):
        print(f"episode {number}: {episode}")
    if len(episodes) > 1:
        mean = sum(episode.returned for episode in episodes) / len(episodes)
        score = sum(episode.score for episode in episodes) / len(episodes)
        print(f"mean of {len(episodes)}: return {mean:+.2f}, score {score:+.2f}")


def _save_film(film: Film, path: Path) -> None:
    film.save(path)
    size, seconds = path.stat().st_size / 1024, len(film) * film.delay / 1000
    print(f"{path}: {len(film):,} pictures, {seconds:.1f} s, {size:,.0f} KiB")
    if film.dropped:
        print("the GIF ends before the play does; --seconds makes it longer")


def _make_vector(
    name: str, options: dict[str, Any], num_envs: int, autoreset_mode: str = "same_step"
) -> Any:
    """Make a compiled environment, which is a vector alone."""
    from envlift import make_vec

    try:
        return make_vec(name, num_envs=num_envs, autoreset_mode=autoreset_mode, **options)
    except TypeError as error:
        raise ConfigError(f"env_options = {options!r} is not allowed for {name}: {error}") from None


def _make(name: str, options: dict[str, Any], *, alone: bool = True) -> AnyEnv:
    """Make an environment for one player, or, not ``alone``, as it is."""
    from envlift.registry import make, make_alone

    try:
        return (make_alone if alone else make)(name, **options)
    except TypeError as error:
        raise ConfigError(f"env_options = {options!r} is not allowed for {name}: {error}") from None


def _require_fit(policy: Any, name: str, observation_space: Any, action_space: Any) -> None:
    from envlift.train.policies.distributions import head_of
    from envlift.train.policies.observations import reading_of, row_space

    own = reading_of(row_space(observation_space), policy.config)
    head = head_of(action_space)
    if (own.shape, own.choices, head) != (
        policy.reading.shape,
        policy.reading.choices,
        policy.head,
    ):
        raise ConfigError(
            f"the policy takes observations {policy.reading.shape} and gives {policy.head}; "
            f"{name} gives {own.shape} and takes {head}: play it with the options of its "
            f"training, {policy.config.env_options}"
        )
