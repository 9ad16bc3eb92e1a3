"""Opening a candidate in this process: a registered environment, gymnax, a file or a function."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import inspect
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from envlift.candidate.audit import audited
from envlift.candidate.env_side import EnvSide
from envlift.candidate.params import OPTION, WithParams, make_with
from envlift.candidate.states import AnyEnv
from envlift.candidate.vector_side import VectorSide
from envlift.env import Env, MissingMethodError
from envlift.reference.failure import (
    CandidateFailure,
    CandidateViolation,
    PairError,
    SideFailure,
)
from envlift.reference.types import Side
from envlift.registry import list_envs

MOST_NAMES = 20
"""Of a module with more names than this, the near ones are told."""

_PARTS = ("num_envs", "single_action_space", "single_observation_space", "observation_space")
"""Of a vector environment, which need not be derived from Gymnasium's."""

_BY_PATH = "envlift_file_"
"""How the modules begin that were loaded by their path: no other process knows their names."""

_ENVLIFT = str(Path(__file__).resolve().parents[1])


def load(name: str) -> Any:
    """Return ``module:attribute`` or ``path.py:attribute``.

    A module may stand in the current folder, and a file may import what stands beside it: both
    folders are looked at last, so that nothing there hides a package.

    Raises:
        ValueError: naming the part that was not found.
    """
    module_name, _, attribute = name.rpartition(":")
    if not module_name:
        raise ValueError(f"{name!r} is not of the form module:name or path.py:name")
    if module_name.endswith(".py"):
        _look_in(Path(module_name).resolve().parent)
        module = load_file(Path(module_name))
    else:
        module = _module(module_name)
    try:
        return getattr(module, attribute)
    except AttributeError:
        public = sorted(n for n in vars(module) if not n.startswith("_"))
        if len(public) > MOST_NAMES:
            public = difflib.get_close_matches(attribute, public) or [*public[:MOST_NAMES], "..."]
        raise ValueError(
            f"{module_name} has no {attribute!r}; it has {', '.join(public)}"
        ) from None


def launch_name(function: Any) -> str | None:
    """Return the launch string by which another process finds a function, None if it has none.

    One in an imported module is ``env:module:name``, one in a file that was loaded by its path
    ``env:path.py:name``.
    """
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    home = sys.modules.get(module or "")
    if home is None or module == "__main__" or getattr(home, name, None) is not function:
        return None
    return f"env:{home.__file__ if home.__name__.startswith(_BY_PATH) else module}:{name}"


def load_file(path: Path) -> Any:
    """Import a Python file by path; a second call returns the same module."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    name = f"{_BY_PATH}{path.stem}_{abs(hash(str(path.resolve())))}"
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
        here, top = Path.cwd(), name.partition(".")[0]
        there = (here / f"{top}.py").is_file() or (here / top).is_dir()
        if error.name != top or not there:
            also = f"; nor is it in the current folder, {here}" if error.name == top else ""
            raise ValueError(f"the module {name!r} cannot be imported: {error}{also}") from None
    _look_in(here)
    return importlib.import_module(name)


def _look_in(folder: Path) -> None:
    """Let modules be found in a folder, after everything else."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
        importlib.invalidate_caches()


def open_here(
    candidate: str | Callable[..., Any], options: Mapping[str, Any], num_lanes: int
) -> Side:
    """Open a candidate in this process, audited.

    Raises:
        ValueError: for a launch string of none of the known forms.
        PairError: if it needs 64 bits and JAX holds its numbers in 32, or is only half there.
        CandidateFailure: if its own code raises.
    """
    if isinstance(candidate, str) and candidate.startswith("gymnax:"):
        # gymnax imports matplotlib, which asks programs of the system about fonts.
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module("gymnax")
    with audited(), _wide_enough(options), _opening(candidate):
        return _open(candidate, dict(options), num_lanes)


@contextlib.contextmanager
def _opening(candidate: Any) -> Iterator[None]:
    """Tell what does not exist, or is only half there, from what breaks."""
    try:
        yield
    except (CandidateViolation, SideFailure, PairError):
        raise
    except MissingMethodError as error:
        raise PairError(str(error)) from None
    except NotImplementedError as error:
        frames = traceback.extract_tb(error.__traceback__)
        raise PairError(
            f"{candidate!r} cannot be opened: it does not implement {frames[-1].name} "
            f"({frames[-1].filename}, line {frames[-1].lineno})"
        ) from error
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        if _is_ours(error, frames):
            raise
        place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
        if isinstance(error, SyntaxError):
            place = ""
        raise CandidateFailure(
            f"opening it raised {type(error).__name__}: {error}{place}", operation="open"
        ) from error


def _is_ours(error: BaseException, frames: traceback.StackSummary) -> bool:
    """Whether an error was written for people: raised on purpose by envlift itself."""
    if not isinstance(error, (ValueError, ModuleNotFoundError)):
        return False
    return not frames or frames[-1].filename.startswith(_ENVLIFT)


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


def _open(candidate: str | Callable[..., Any], options: dict[str, Any], num_lanes: int) -> Side:
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
        return _open(load(rest), {**options, OPTION: params}, num_lanes)
    if form == "vector":
        attributes = tuple(options.pop("state_attributes", ()))
        return VectorSide(_vector(rest, num_lanes, options), attributes)
    if not rest and candidate in list_envs():
        made = make_with(candidate, {**options, OPTION: params}, autoreset="disabled")
        return EnvSide(made, num_lanes)
    raise ValueError(
        f"{candidate!r} is not a candidate. Registered environments: {', '.join(list_envs())}. "
        "Other forms: gymnax:ID, gymnasium:ID, env:module:name, vector:module:name, "
        "python:module:Class, process:command"
    )


def _vector(name: str, num_lanes: int, options: Mapping[str, Any]) -> Any:
    """Call the function that makes a ``VectorEnv``."""
    function = load(name)
    taken: Mapping[str, inspect.Parameter] | None = None
    with contextlib.suppress(TypeError, ValueError):  # of a kind whose parameters nobody knows
        taken = inspect.signature(function).parameters
    any_name = taken is None or any(one.kind is one.VAR_KEYWORD for one in taken.values())
    if taken is not None and not any_name and "num_envs" not in taken:
        raise PairError(
            f"vector:{name} takes no num_envs, the number of lanes; it takes "
            f"{', '.join(taken) or 'nothing'}"
        )
    made = function(num_envs=num_lanes, **options)
    missing = [part for part in _PARTS if not hasattr(made, part)]
    if missing:
        raise PairError(
            f"vector:{name} returned a {type(made).__name__}, not a gymnasium.vector.VectorEnv: it "
            f"has no {missing[0]}"
        )
    return made


def _with(env: AnyEnv, params: Mapping[str, Any]) -> AnyEnv:
    return WithParams(env, params) if params else env
