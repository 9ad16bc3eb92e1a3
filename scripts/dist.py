"""Build what is released, and try it as a user does: ``make dist``.

The source archive, the pure wheel, built from the unpacked archive, and the Game Boy's wheel land
in ``dist/``. Their metadata is checked. Then each Python of 3.11, 3.12 and 3.13 that is here gets a
fresh virtual environment outside the repository, with the wheels and what pip resolves today, and
tries every environment and the commands there (those that would take long by their help alone).
``dist/smoke.json`` holds what came out.

Exit code 0 if all is well, 1 if anything failed, which is printed.
"""

from __future__ import annotations

import argparse
import email
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from email.message import Message
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
PYTHONS = ("3.11", "3.12", "3.13")
LICENSE = "Apache-2.0"
LAST = 1_500
"""Characters of a failed command's output that are shown."""

CODE_OF_EACH = """
import jax, numpy as np, envlift
for name in envlift.list_envs():
    env = envlift.make(name)
    obs, state = jax.jit(env.reset)(jax.random.key(0))
    many = (env.num_players,) if env.num_players > 1 else ()
    action = np.zeros((*many, *env.action_space().shape), env.action_space().dtype)
    if env.num_players > 1:
        action = np.zeros(env.num_players, np.int32)
    obs, state, reward, *_ = jax.jit(env.step)(jax.random.key(1), state, action)
    assert np.isfinite(np.asarray(reward)).all(), name
    print(name)
"""
CODE_OF_VECTORS = """
import numpy as np, envlift
for name in envlift.list_vector_envs():
    envs = envlift.make_vec(name, num_envs=3)
    envs.reset(seed=0)
    _, rewards, *_ = envs.step(envs.action_space.sample())
    assert rewards.shape == (3,), name
    envs.close()
    print(name)
"""


@dataclass(frozen=True)
class Trial:
    """One command under one Python.

    Attributes:
        python: its version.
        name: what was tried.
        passed: whether it ended as it should.
        seconds: it took.
        said: the end of its output, where it failed.
    """

    python: str
    name: str
    passed: bool
    seconds: float
    said: str = ""


def run(words: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command without this interpreter's environment; return how it ended."""
    own = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")
    clean = {key: value for key, value in os.environ.items() if key not in own}
    return subprocess.run(
        words,
        cwd=folder,
        env=clean | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def must(words: list[str], folder: Path) -> None:
    """Run a command that has to succeed.

    Raises:
        SystemExit: with its last words.
    """
    done = run(words, folder)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stdout[-LAST:]}")


def build() -> list[Path]:
    """Build everything into ``dist/``; return the files."""
    if DIST.exists():
        shutil.rmtree(DIST)
    DIST.mkdir()
    must([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(DIST)], ROOT)
    (archive,) = DIST.glob("*.tar.gz")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(archive) as opened:
            opened.extractall(scratch, filter="data")
        (source,) = Path(scratch).iterdir()
        # From the archive, as pip does where no wheel fits.
        own = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(DIST)]
        must([*pip, *own, str(source)], source)
        if shutil.which("cargo"):
            apart = ["--no-deps", "--wheel-dir", str(DIST)]
            must([*pip, *apart, str(source / "crates" / "gameboy-python")], source)
        else:
            print("there is no cargo: the Game Boy's wheel is not built (see CONTRIBUTING.md)")
    return sorted(DIST.iterdir())


def metadata_of(path: Path) -> tuple[Message, list[str]]:
    """Return the metadata of an archive or a wheel, and the names of its files."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as opened:
            names = opened.namelist()
            (place,) = (n for n in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
            return email.message_from_bytes(opened.read(place)), names
    with tarfile.open(path) as opened:
        names = opened.getnames()
        (place,) = (n for n in names if re.fullmatch(r"[^/]+/PKG-INFO", n))
        found = opened.extractfile(place)
        assert found is not None, "PKG-INFO is a file"
        return email.message_from_bytes(found.read()), names


def wrong(files: list[Path], version: str) -> Iterator[str]:
    """Yield what is wrong with the metadata of what was built."""
    for path in files:
        about, names = metadata_of(path)
        expected = {"Version": version, "License-Expression": LICENSE, "Requires-Python": ">=3.11"}
        for key, value in expected.items():
            if about.get(key) != value:
                yield f"{path.name}: {key} is {about.get(key)!r}, not {value!r}"
        if not any(name.rpartition("/")[2] == "LICENSE" for name in names):
            yield f"{path.name}: there is no LICENSE in it"
        if not about.get("Summary"):
            yield f"{path.name}: it has no summary"
        if about.get("Name") != "envlift":
            continue
        text = about.get_payload()
        if not isinstance(text, str) or len(text) < 1000:
            yield f"{path.name}: the README is not its long description"


def before_publishing(files: list[Path]) -> Iterator[str]:
    """Yield what an index would refuse or show wrongly: a trial of what was built needs none."""
    for path in files:
        about, _ = metadata_of(path)
        if "-linux_" in path.name:
            yield f"{path.name}: an index takes manylinux wheels alone"
        text = about.get_payload()
        if not isinstance(text, str) or about.get("Name") != "envlift":
            continue
        if relative := re.findall(r"\]\((?!https?:|#|mailto:)([^)]+)\)", text):
            yield (
                f"{path.name}: its description has {len(relative)} links such as {relative[0]}, "
                "which an index cannot follow: make them absolute once the project has an address"
            )


def commands(folder: Path) -> Iterator[tuple[str, list[str], int]]:
    """Yield the smoke test: a name, the words after ``envlift``, the exit code that is right."""
    for name in ("my_env.py", "my_suite.py", "cartpole_phys2d.py"):
        shutil.copy(ROOT / "examples" / name, folder)
    few = ["--quick", "--lanes", "2", "--level", "L2", "--level", "L3", "--seed", "1"]
    small = ["--num-envs", "16", "--horizon", "16", "--total-steps", "512", "--minibatches", "4"]
    pictures = ["--seconds", "1", "--max-steps", "20"]
    yield "list", ["list"], 0
    yield "verify, own", ["verify", "my_suite.py", *few, "--json", "own.json"], 0
    wrong_port = ["gymnasium:CartPole-v1", "cartpole_phys2d.py"]
    yield "verify, a wrong port", ["verify", *wrong_port, *few], 1
    yield "report", ["report", "own.json"], 0
    yield "train", ["train", "pong", "--out", "run", *small], 0
    yield "play", ["play", "pong", "--checkpoint", "run", "--gif", "pong.gif", *pictures], 0
    yield "export", ["export", "run", "policy.npz"], 0
    against = ["--option", "opponent=random", "--max-steps", "20"]
    yield "play, a game", ["play", "tcg_pocket", "--random", "--log", "game.log", *against], 0
    yield "arena", ["arena", "pokemon", "random", "max_damage", "--seeds", "2"], 0
    long = ("bench", "mutate", "translate", "replay", "ledger", "init", "prompt", "rules", "repro")
    for name in (*long, "record", "watch", "gameboy"):
        yield f"{name} --help", [name, "--help"], 0
    yield "an unknown option", ["verify", "pong", "--no-such-option"], 4


def smoke(python: str, wheels: list[Path], pins: list[str]) -> Iterator[Trial]:
    """Install the wheels for one Python and yield what the smoke test gave."""
    with tempfile.TemporaryDirectory(prefix="envlift-dist-") as scratch:
        folder = Path(scratch)
        program = folder / "venv" / "bin" / "python"
        asked = [
            f"{path}[train]" if path.name.startswith("envlift-") else str(path) for path in wheels
        ]
        begun = time.monotonic()
        made = run([f"python{python}", "-m", "venv", "venv"], folder)
        words = [str(program), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        done = run([*words, *asked, *pins], folder) if made.returncode == 0 else made
        yield _trial(python, "install", done, 0, begun)
        if done.returncode:
            return
        begun = time.monotonic()
        shown = (
            "import jax, numpy, gymnasium; print(*(m.__version__ for m in (jax, numpy, gymnasium)))"
        )
        done = run([str(program), "-c", shown], folder)
        yield _trial(python, f"JAX, NumPy, Gymnasium {done.stdout.strip()}", done, 0, begun)
        for name, code in (("every environment", CODE_OF_EACH), ("every vector", CODE_OF_VECTORS)):
            begun = time.monotonic()
            yield _trial(python, name, run([str(program), "-c", code], folder), 0, begun)
        for name, told, right in commands(folder):
            begun = time.monotonic()
            done = run([str(program), "-m", "envlift.cli", *told], folder)
            yield _trial(python, name, done, right, begun)


def _trial(
    python: str, name: str, done: subprocess.CompletedProcess[str], right: int, begun: float
) -> Trial:
    passed = done.returncode == right
    said = "" if passed else f"exit code {done.returncode}, not {right}: {done.stdout[-LAST:]}"
    return Trial(python, name, passed, round(time.monotonic() - begun, 1), said)


def main() -> int:
    """Build, check, try; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--python", action="append", metavar="VERSION", help="by default those of 3.11 to 3.13"
    )
    parser.add_argument(
        "--release", action="store_true", help="fail where an index would refuse or show it wrongly"
    )
    parser.add_argument("--no-smoke", action="store_true", help="build and check alone")
    parser.add_argument(
        "--pin", action="append", default=[], metavar="REQUIREMENT", help="such as 'jax==0.10.*'"
    )
    options = parser.parse_args()
    files = build()
    version = re.search(r'__version__ = "(.+)"', (ROOT / "src/envlift/__init__.py").read_text())
    assert version is not None, "the package says its version"
    found = list(wrong(files, version[1]))
    open_points = list(before_publishing(files))
    for path in files:
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1e6:.1f} MB")
    trials: list[Trial] = []
    wheels = [path for path in files if path.suffix == ".whl"]
    if not any(path.name.startswith("envlift_gameboy") for path in wheels):
        found.append("there is no cargo, so the Game Boy's wheel was not built")
    for python in () if options.no_smoke else options.python or PYTHONS:
        if shutil.which(f"python{python}") is None:
            print(f"Python {python}: not here, left out")
            if options.python:
                found.append(f"python{python} was asked for and is not on the PATH")
            continue
        for trial in smoke(python, wheels, options.pin):
            trials.append(trial)
            print(
                f"Python {python}: {'ok    ' if trial.passed else 'FAILED'} {trial.name} "
                f"({trial.seconds} s) {trial.said}",
                flush=True,
            )
    if not trials and not options.no_smoke:
        found.append("nothing was tried: none of the Pythons is on the PATH")
    for line in found:
        print(f"WRONG: {line}")
    for line in open_points:
        print(f"before it is published: {line}")
    if options.release:
        found += open_points
    told = {
        "version": version[1],
        "wrong": found,
        "before_publishing": open_points,
        "trials": [asdict(one) for one in trials],
    }
    (DIST / "smoke.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return 1 if found or not all(trial.passed for trial in trials) else 0


if __name__ == "__main__":
    sys.exit(main())
