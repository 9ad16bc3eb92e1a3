"""Opening a candidate: a registered environment, gymnax, Gymnasium, a file, or a process.

The forms of a candidate's launch string:

``pong``                     an environment registered with envlift
``gymnax:CartPole-v1``       a gymnax environment
``env:module:name``          a function or class that returns an ``envlift.Env``
``vector:module:name``       a function or class that returns a Gymnasium ``VectorEnv``; it is
                             called with ``num_envs`` and the suite's candidate options
``gymnasium:ID``, ``python:module:Class``, ``process:command words``
                             run in a process of their own, like a reference

``module`` may also be a path that ends in ``.py``.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax

from envlift.candidate.params import OPTION, WithParams
from envlift.candidate.states import AnyEnv
from envlift.env import Env
from envlift.reference.client import START_TIMEOUT
from envlift.reference.failure import CandidateFailure, SideFailure
from envlift.reference.launch import open_reference
from envlift.reference.types import Side
from envlift.registry import list_envs, make
from envlift.verify.run.trouble import is_a_sentence
from envlift.verify.sides.env_side import EnvSide
from envlift.verify.sides.guard import CandidateViolation, WatchedSide, watched
from envlift.verify.sides.vector_side import VectorSide
from envlift.verify.suite import Config, PairError

MOST_NAMES = 20
"""Of a module with more names than this, the near ones are told."""

IN_PROCESS = ("gymnasium:", "python:", "process:")


def load(name: str) -> Any:
    """Return ``module:attribute`` or ``path.py:attribute``.

    Raises:
        ValueError: naming the part that was not found.
    """
    module_name, _, attribute = name.rpartition(":")
    if not module_name:
        raise ValueError(f"{name!r} is not of the form module:name or path.py:name")
    module = load_file(Path(module_name)) if module_name.endswith(".py") else _module(module_name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        public = sorted(n for n in vars(module) if not n.startswith("_"))
        if len(public) > MOST_NAMES:
            public = difflib.get_close_matches(attribute, public) or [*public[:MOST_NAMES], "..."]
        raise ValueError(
            f"{module_name} has no {attribute!r}; it has {', '.join(public)}"
        ) from None


def load_file(path: Path) -> Any:
    """Import a Python file by path; a second call returns the same module."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    name = f"envlift_file_{path.stem}_{abs(hash(str(path.resolve())))}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ValueError(f"the module {name!r} cannot be imported: {error}") from None


@dataclass(frozen=True)
class Limits:
    """How long a side may take, in seconds.

    Attributes:
        answer: for one answer, before it counts as hung.
        start: for starting up.
        lanes: of making lanes, after which it goes on with those it has; None to make them all.
    """

    answer: float = 60.0
    start: float = START_TIMEOUT
    lanes: float | None = None


def open_candidate(
    candidate: str | Callable[..., Any],
    options: Mapping[str, Any],
    num_lanes: int,
    limits: Limits = Limits(),
) -> Side:
    """Open one side of a comparison that is not trusted.

    With ``limits.lanes`` it may have fewer lanes than ``num_lanes``.

    Raises:
        ValueError: for a launch string that has none of the forms above.
        CandidateFailure: if it does not start.
    """
    if isinstance(candidate, str) and candidate.startswith(IN_PROCESS):
        return open_reference(
            candidate,
            num_lanes=num_lanes,
            config=dict(options),
            role="candidate",
            timeout=limits.answer,
            start_timeout=limits.start,
            patience=limits.lanes,
        )
    if isinstance(candidate, str) and candidate.startswith("gymnax:"):
        # gymnax imports matplotlib, which asks programs of the system about fonts.
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module("gymnax")
    with watched(), _wide_enough(options), _opening(candidate):
        return WatchedSide(_open_watched(candidate, dict(options), num_lanes))


@contextlib.contextmanager
def _opening(candidate: Any) -> Iterator[None]:
    """Tell what does not exist, or is only half there, from what breaks."""
    try:
        yield
    except (CandidateViolation, SideFailure, PairError):
        raise
    except NotImplementedError as error:
        frames = traceback.extract_tb(error.__traceback__)
        raise PairError(
            f"{candidate!r} cannot be opened: it does not implement {frames[-1].name} "
            f"({error or 'NotImplementedError'}; {frames[-1].filename}, line {frames[-1].lineno})"
        ) from error
    except Exception as error:
        if is_a_sentence(error):
            raise
        place = ""
        if frames := traceback.extract_tb(error.__traceback__):
            place = f" ({frames[-1].filename}, line {frames[-1].lineno})"
        if isinstance(error, SyntaxError):
            place = ""
        raise CandidateFailure(
            f"opening it raised {type(error).__name__}: {error}{place}", operation="open"
        ) from error


def arithmetic(config: Config) -> contextlib.AbstractContextManager[Any]:
    """Compute in 64 bits while a configuration wants that; JAX remembers it for each thread."""
    return jax.enable_x64(True) if config.x64 else contextlib.nullcontext()


@contextlib.contextmanager
def _wide_enough(options: Mapping[str, Any]) -> Iterator[None]:
    """Refuse a candidate that asks for 64 bits and is given 32, of which JAX only warns."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    for warning in told:
        text = str(warning.message)
        if "requested dtype" in text and "64" in text and "not available" in text:
            raise PairError(
                f"the candidate with the options {dict(options)} asks for 64 bits, and JAX holds "
                "its numbers in 32: give the suite's configuration x64=True"
            )
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def _open_watched(
    candidate: str | Callable[..., Any], options: dict[str, Any], num_lanes: int
) -> Side:
    vector = isinstance(candidate, str) and candidate.startswith("vector:")
    params = {} if vector else dict(options.pop(OPTION, {}))
    if callable(candidate):
        made = candidate(**options)
        if not isinstance(made, Env):
            raise ValueError(f"{candidate!r} returned a {type(made).__name__}, not an envlift.Env")
        return EnvSide(_with(made, params), num_lanes)
    form, _, rest = candidate.partition(":")
    if form == "gymnax":
        from envlift.adapters.gymnax import FromGymnax

        return EnvSide(_with(FromGymnax(rest, **options), params), num_lanes)
    if form == "env":
        return _open_watched(load(rest), {**options, OPTION: params}, num_lanes)
    if form == "vector":
        attributes = tuple(options.pop("state_attributes", ()))
        return VectorSide(load(rest)(num_envs=num_lanes, **options), attributes)
    if not rest and candidate in list_envs():
        made = make(candidate, autoreset="disabled", **options)
        return EnvSide(_with(made, params), num_lanes)
    raise ValueError(
        f"{candidate!r} is not a candidate. Registered environments: {', '.join(list_envs())}. "
        "Other forms: gymnax:ID, gymnasium:ID, env:module:name, vector:module:name, "
        "python:module:Class, process:command"
    )


def _with(env: AnyEnv, params: Mapping[str, Any]) -> AnyEnv:
    return WithParams(env, params) if params else env
