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
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax

from envlift.candidate.isolation import Isolation
from envlift.candidate.opening import launch_name, open_here
from envlift.candidate.opening import load as load
from envlift.candidate.opening import load_file as load_file
from envlift.reference.client import START_TIMEOUT, ReferenceProcess
from envlift.reference.launch import HASH_SEED, open_reference
from envlift.reference.types import Side
from envlift.verify.sides.guard import AuditedSide
from envlift.verify.suite import Config

IN_PROCESS = ("gymnasium:", "python:", "process:")


@dataclass(frozen=True)
class Limits:
    """How long a side may take, in seconds, and where a stranger runs.

    Attributes:
        answer: for one answer, before it counts as hung.
        start: for starting up.
        lanes: of making lanes, after which it goes on with those it has; None to make them all.
        place: where a candidate runs that nobody trusts; None for a process like any other.
    """

    answer: float = 60.0
    start: float = START_TIMEOUT
    lanes: float | None = None
    place: Isolation | None = None


def open_candidate(
    candidate: str | Callable[..., Any],
    options: Mapping[str, Any],
    num_lanes: int,
    limits: Limits = Limits(),
    apart: bool = False,
) -> Side:
    """Open one side of a comparison that is not trusted.

    Args:
        candidate, options, num_lanes: which, how and how many. With ``limits.lanes`` it may have
            fewer lanes.
        limits: how long it may take.
        apart: run it in a process of its own even if it could run here. What cannot be sent there,
            such as a function without a name, runs here, and ``together`` of the side says why.

    Raises:
        ValueError: for a launch string that has none of the forms above.
        CandidateFailure: if it does not start.
    """
    if isinstance(candidate, str) and candidate.startswith(IN_PROCESS):
        place = limits.place
        return open_reference(
            candidate,
            num_lanes=num_lanes,
            config=dict(options),
            role="candidate",
            timeout=limits.answer,
            start_timeout=limits.start,
            patience=limits.lanes,
            env=None if place is None else {HASH_SEED: "0", **place.variables()},
            cwd=None if place is None else place.folder,
            inside=list if place is None else place.command,
        )
    reason = "it was asked to" if not apart else _bound_to_here(candidate, options)
    if reason is None:
        return open_apart(_name_of(candidate), options, num_lanes, limits)
    if limits.place is not None:
        raise ValueError(
            f"a candidate that is judged apart needs a name: {reason}; --trusted runs it in the "
            "process that judges"
        )
    side = AuditedSide(open_here(candidate, options, num_lanes))
    side.together = reason if apart else ""
    return side


def open_apart(
    target: str,
    options: Mapping[str, Any],
    num_lanes: int,
    limits: Limits,
    host: str = "envlift.candidate.host",
    **more: Any,
) -> ReferenceProcess:
    """Open a candidate in a process that holds nothing of the verifier's.

    Args:
        target: a launch string.
        options, num_lanes, limits: as ``open_candidate``.
        host: the module that runs there.
        more: JSON values for the host, see ``envlift.candidate.host``.
    """
    config = {
        "target": target,
        "options": dict(options),
        "x64": bool(jax.config.jax_enable_x64),  # type: ignore[attr-defined]
        **more,
    }
    place, path = limits.place, sys.path
    environment = dict(os.environ) if place is None else place.variables()
    if place is not None and place.path is not None:
        path = [*place.path]
    # Nothing of its folder comes before a library.
    words = [sys.executable, "-P", "-c", _RUN, json.dumps(path), host]
    return ReferenceProcess(
        words if place is None else place.command(words),
        num_lanes=num_lanes,
        config=config,
        env={"XLA_PYTHON_CLIENT_PREALLOCATE": "false", **environment},
        cwd=None if place is None else place.folder,
        timeout=limits.answer,
        start_timeout=limits.start,
        role="candidate",
        whole=True,
        # Nobody learns anything of the sandbox's own words.
        told=None if place is None else (host, str(target)),
    )


_RUN = (
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "importlib.import_module(sys.argv.pop(1)).main()"
)


def open_suite_apart(
    source: str,
    config: str,
    candidate: Any,
    options: Mapping[str, Any],
    limits: Limits,
    host: str = "envlift.verify.sides.suite_host",
) -> ReferenceProcess:
    """Open a process that answers the candidate's side of a suite's components."""
    return open_apart(
        candidate,
        options,
        1,
        limits,
        host=host,
        suite=source,
        name=config,
    )


def _bound_to_here(candidate: Any, options: Mapping[str, Any]) -> str | None:
    """Return why a candidate cannot run in another process, None if it can."""
    if _name_of(candidate) is None:
        return "it is a function that cannot be imported by a name"
    try:
        same = json.loads(json.dumps(dict(options))) == dict(options)
    except (TypeError, ValueError):
        same = False
    return None if same else f"its options are no JSON values: {dict(options)}"


def _name_of(candidate: Any) -> Any:
    """Return a launch string for a candidate, None if it has none."""
    return candidate if isinstance(candidate, str) else launch_name(candidate)


def arithmetic(config: Config) -> contextlib.AbstractContextManager[Any]:
    """Compute in 64 bits while a configuration wants that; JAX remembers it for each thread."""
    return jax.enable_x64(True) if config.x64 else contextlib.nullcontext()
