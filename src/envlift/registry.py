"""Names to environments."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import re
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import jax

from envlift.env import Env
from envlift.opponents import against

AnyEnv = Env[Any, Any, Any]


@dataclass(frozen=True)
class Registration:
    """How an environment is made and where its evidence stands.

    Attributes:
        name: the name for ``envlift.make``.
        factory: called with the keyword options of ``envlift.make``.
        title: one line for people.
        players: how many play, ``Env.num_players``.
        suite: ``module:attribute`` of the verification suite, or None. It is a name, not an
            object, so that making an environment never imports its verification.
        reference: one line that names the pinned reference, or None.
        suite_of: ``module:function`` that makes the suite of another game of the same rules from a
            seed, int >= 1, for ``envlift verify NAME --variant SEED``; None if there are none.
        variants: option sets that the contract suite runs besides the default.
        render: ``module:function`` that draws a state, or None: ``function(state, scale)`` gives
            uint8 [H, W, 3]. A function ``between(env, state, action)`` beside it may give the
            states inside a step, to be shown before its last, and an int ``FPS`` how many
            pictures a second show things as fast as they happen (50 by default).
        log: ``module:function`` that tells an episode as text, or None:
            ``function(draws, actions, options) -> str`` of what ``sample_initial`` drew, all
            actions [T, ...] and the environment's options. A function with a parameter ``states``
            is given those T + 1 states, too, the last as the episode left it.
        verified_on: for each target the kinds of device (``device_kind``) on which it was verified;
            the target to prefer comes first. None for an environment that says nothing of it. On a
            CPU the evidence beside the suite says so, elsewhere a comparison with the CPU that
            stands in ``benchmarks/results/gpu``.
        version: of the environment's behaviour, ``EnvInfo.version``.
    """

    name: str
    factory: Callable[..., AnyEnv]
    title: str
    players: int = 1
    suite: str | None = None
    reference: str | None = None
    suite_of: str | None = None
    variants: tuple[dict[str, Any], ...] = ()
    render: str | None = None
    log: str | None = None
    verified_on: Mapping[str, tuple[str, ...]] | None = None
    version: int = 1

    @property
    def gymnasium_id(self) -> str:
        """The id for ``gymnasium.make``, for example ``envlift/pong-v1``."""
        return f"envlift/{self.name}-v{self.version}"


@dataclass(frozen=True)
class VectorRegistration:
    """A compiled environment: it has no rules that JAX could run, only a Gymnasium ``VectorEnv``.

    Attributes:
        name: the name for ``envlift.make_vec``.
        factory: called with ``num_envs``, ``autoreset_mode``, ``seed`` and the options of
            ``envlift.make_vec``.
        title: one line for people.
        suite, reference: as in ``Registration``.
    """

    name: str
    factory: Callable[..., Any]
    title: str
    suite: str | None = None
    reference: str | None = None


_told: set[tuple[str, str, str]] = set()
_registrations: dict[str, Registration] = {}
_vectors: dict[str, VectorRegistration] = {}
_lock = threading.RLock()
_scanned: set[str] = set()
_complete = False


def register(registration: Registration) -> None:
    """Add an environment, also for ``gymnasium.make`` under ``registration.gymnasium_id``.

    Raises:
        ValueError: if the name is taken.
    """
    with _lock:
        if registration.name in _registrations or registration.name in _vectors:
            raise ValueError(
                f"an environment named {registration.name!r} is registered already; choose "
                "another name"
            )
        _registrations[registration.name] = registration
        tell_gymnasium(registration)


def tell_gymnasium(registration: Registration) -> None:
    """Give an environment its id for ``gymnasium.make``; a second time changes nothing."""
    if registration.gymnasium_id not in gymnasium.registry:
        gymnasium.register(
            id=registration.gymnasium_id,
            entry_point="envlift.adapters.gymnasium:make_single",
            vector_entry_point="envlift.adapters.gymnasium:make_vector",
            kwargs={"name": registration.name},
        )


def register_vector(registration: VectorRegistration) -> None:
    """Add a compiled environment.

    Raises:
        ValueError: if the name is taken.
    """
    with _lock:
        if registration.name in _vectors or registration.name in _registrations:
            raise ValueError(
                f"an environment named {registration.name!r} is registered already; choose "
                "another name"
            )
        _vectors[registration.name] = registration


def _scan() -> None:
    """Register every folder of ``envlift.envs`` once; a removed folder is a removed environment.

    Threads wait until all are registered. One that could not be imported is tried again next time.
    """
    global _complete
    if _complete:
        return
    with _lock:
        package = importlib.import_module("envlift.envs")
        for module in pkgutil.iter_modules(package.__path__):
            if module.name not in _scanned:
                found = importlib.import_module(f"envlift.envs.{module.name}").REGISTRATION
                _scanned.add(module.name)
                if isinstance(found, VectorRegistration):
                    register_vector(found)
                else:
                    register(found)
        _complete = True


def list_envs() -> list[str]:
    """Return the registered names in alphabetical order."""
    _scan()
    return sorted(_registrations)


def list_vector_envs() -> list[str]:
    """Return the names that ``envlift.make_vec`` alone knows, in alphabetical order."""
    _scan()
    return sorted(_vectors)


def vector_registration(name: str) -> VectorRegistration | None:
    """Return the compiled environment of this name, or None."""
    _scan()
    return _vectors.get(name)


def entry(name: str) -> Registration | VectorRegistration:
    """Return what was registered under ``name``, compiled or not.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    _scan()
    if name in _vectors:
        return _vectors[name]
    if name not in _registrations:
        known = ", ".join(sorted([*_registrations, *_vectors])) or "none"
        raise ValueError(f"no environment is named {name!r}; known: {known}")
    return _registrations[name]


def registration(name: str) -> Registration:
    """Return what was registered under ``name``.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    _scan()
    try:
        return _registrations[name]
    except KeyError:
        if name in _vectors:
            raise ValueError(
                f"{name} is compiled and runs as a vector alone: envlift.make_vec({name!r}, "
                "num_envs=...)"
            ) from None
        known = ", ".join(sorted(_registrations)) or "none"
        raise ValueError(f"no environment is named {name!r}; known: {known}") from None


def device_kind() -> str:
    """Return what JAX runs on by default: ``cpu``, ``cuda``, ``rocm``, ``tpu``, ..."""
    device: Any = jax.config.jax_default_device  # type: ignore[attr-defined]
    if device is None or isinstance(device, str):
        device = jax.devices(device)[0]
    if device.platform == "gpu":
        return "cuda" if "cuda" in device.client.platform_version.lower() else "rocm"
    return str(device.platform)


def make(name: str, **options: Any) -> AnyEnv:
    """Make an environment by name, for example ``make("pong", backend="jax", frameskip=8)``.

    Without a ``backend`` it is one that was verified on the device that JAX runs on. With one that
    was not, a warning says so, once.

    Raises:
        ValueError: for an unknown name, an option out of range, or if no target was verified on
            this device and none was asked for.
        TypeError: for an option that the environment does not have.
    """
    found = registration(name)
    env = _made(found, options)
    if found.verified_on is None:
        return env
    device, backend = device_kind(), env.info.backend
    if device in found.verified_on.get(backend, ()):
        return env
    if options.get("backend") is not None:
        if (name, backend, device) not in _told:
            _told.add((name, backend, device))
            warnings.warn(
                f"{name} in {backend} was never verified on {device}: {verified(found)}",
                stacklevel=2,
            )
        return env
    for other, devices in found.verified_on.items():
        if device in devices:
            return found.factory(**{**options, "backend": other})
    raise ValueError(
        f"{name} was never verified on {device}: {verified(found)}. Use one of those devices "
        f"(JAX_PLATFORMS=cpu), or insist with backend={backend!r}"
    )


def _made(found: Registration, options: Mapping[str, Any]) -> AnyEnv:
    """Call the factory; an option of a near name is named where there is none of the given one."""
    try:
        return found.factory(**options)
    except TypeError as error:
        unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
        if unknown is None or unknown[1] not in options:
            raise
        known = ["autoreset", *(key for variant in found.variants for key in variant)]
        known = sorted({*known, *found.factory().info.options})
        near = difflib.get_close_matches(unknown[1], known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ";"
        raise TypeError(
            f"{found.name} got an unexpected keyword argument {unknown[1]!r}{hint} Its options are "
            f"{', '.join(known)}"
        ) from None


def make_alone(name: str, **options: Any) -> AnyEnv:
    """Make an environment for one player.

    Args:
        name: as for ``make``.
        options: likewise; of a game also ``opponent`` ("random" if left out) and ``seat``, as for
            ``envlift.against``.

    Raises:
        ValueError, TypeError: as ``make`` and ``against`` do.
    """
    if registration(name).players == 1:
        return make(name, **options)
    opponent, seat = options.pop("opponent", "random"), options.pop("seat", None)
    return against(make(name, **options), opponent, seat=seat)


def verified(registration: Registration) -> str:
    """Say in words where the targets of an environment were verified."""
    known = registration.verified_on or {}
    rows = [f"{target} on {' and '.join(devices)}" for target, devices in known.items() if devices]
    return f"verified {', '.join(rows)}" if rows else "verified nowhere"
