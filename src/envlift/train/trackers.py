"""Where metrics go beside the run's own file: TensorBoard, Weights & Biases, Trackio.

A tracker is anything with ``record(row)`` and ``close()``; ``Recorder`` takes several. What a
tracker needs is imported when one is made.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from envlift.extras import install
from envlift.train.config import Config

PROJECT = "envlift"
"""Name of the project on a tracking service; its own environment variables change it."""


class Tracker(Protocol):
    """Keeps the numbers of every update somewhere."""

    def record(self, row: Mapping[str, float | int | None]) -> None:
        """Keep one update's numbers, ``steps`` among them; None is not known yet."""

    def close(self) -> None:
        """Write what is left."""


class TensorBoard:
    """Writes TensorBoard's files into the run's folder.

    Raises:
        ModuleNotFoundError: without tensorboardX; says how to install it.
    """

    def __init__(self, folder: Path, config: Config, resume_at: int | None) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"--tensorboard needs {error.name}: {install('tensorboard')}"
            ) from None
        self._open = lambda: SummaryWriter(str(folder / "tensorboard"), purge_step=resume_at)
        self._board: Any = None

    def record(self, row: Mapping[str, float | int | None]) -> None:
        """Add every number as a scalar."""
        if self._board is None:
            self._board = self._open()
        for name, value in row.items():
            if value is not None:
                self._board.add_scalar(name, value, row["steps"])

    def close(self) -> None:
        """Close the files."""
        if self._board is not None:
            self._board.close()
            self._board = None


class Service:
    """A tracking service with the calls of wandb: ``init``, ``log``, ``finish``.

    The run has the name of its folder, and a resumed one goes on under it. Accounts, projects and
    offline use are set up as the service says (``WANDB_MODE=offline``, say).

    Args:
        module: ``wandb`` or ``trackio``.
        folder: of the run.
        config: shown beside the run.

    Raises:
        ModuleNotFoundError: if it is not installed; says how to install it.
    """

    def __init__(self, module: str, folder: Path, config: Config) -> None:
        try:
            self._module: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"--track {module} needs {error.name}: pip install {module}"
            ) from None
        self._folder, self._config = folder, config
        self._begun = False

    def record(self, row: Mapping[str, float | int | None]) -> None:
        """Log every number that is known, at the environment steps of the row."""
        if not self._begun:
            name = self._folder.resolve().name
            given: dict[str, Any] = {"name": name, "config": self._config.to_dict()}
            if self._module.__name__ == "wandb":
                given |= {"id": name, "dir": str(self._folder)}
            self._module.init(project=PROJECT, resume="allow", **given)
            self._begun = True
        known = {name: value for name, value in row.items() if value is not None}
        self._module.log(known, step=int(known["steps"]))

    def close(self) -> None:
        """Send what is left."""
        if self._begun:
            self._module.finish()
            self._begun = False


SERVICES = ("wandb", "trackio")
"""Services that ``--track`` knows."""


def tracker(name: str, folder: Path, config: Config, resume_at: int | None = None) -> Tracker:
    """Return a tracker by name: ``tensorboard``, ``wandb`` or ``trackio``.

    Args:
        name: of the tracker.
        folder: of the run.
        config: of the run.
        resume_at: environment steps after which a resumed run goes on; None for a new one.

    Raises:
        ValueError: for another name.
        ModuleNotFoundError: if what it needs is not installed; says how to install it.
    """
    if name == "tensorboard":
        return TensorBoard(folder, config, resume_at)
    if name in SERVICES:
        return Service(name, folder, config)
    raise ValueError(f"there is no tracker {name!r}; there are tensorboard, {', '.join(SERVICES)}")
