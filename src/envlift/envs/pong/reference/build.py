"""Compiling the reference with the system's C compiler, once for each change of it."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from envlift.envs.pong.reference import source
from envlift.reference.failure import ReferenceUnavailable
from envlift.reference.processes.cache import cache_folder

ADAPTER = Path(__file__).with_name("adapter.c")
_COMMON = ("-std=gnu11", "-fPIC", "-shared")
# A fused multiply-add rounds once where the C says twice; on some machines compilers fuse unasked.
RULES = ("-O2", "-ffp-contract=off")
COVERAGE = ("-O0", "-ffp-contract=off", "--coverage", "-DENVLIFT_COVERAGE")
# Each is the fastest somewhere; the benchmark measures which. The third lets the compiler replace
# fminf and fmaxf by single instructions, which is only right without NaN.
_FINITE = ("-ffinite-math-only", "-fno-signed-zeros", "-fno-trapping-math")
BENCHES = (
    ("-O2", "-DENVLIFT_BENCH"),
    ("-O3", "-march=native", "-DENVLIFT_BENCH"),
    ("-O3", "-march=native", *_FINITE, "-DENVLIFT_BENCH"),
    ("-O3", "-march=native", "-ffast-math", "-DENVLIFT_BENCH"),
)
# The last one divides by multiplying with an inverse and so computes other observations in the
# last place: it is measured where it is asked for, and never chosen by itself.
EXACT_BENCHES = 3


def compiler() -> list[str]:
    """Return the command of the C compiler: ``CC``, else ``cc``.

    Raises:
        ReferenceUnavailable: if there is none.
    """
    command = shlex.split(os.environ.get("CC") or "cc")
    if shutil.which(command[0]) is None:
        raise ReferenceUnavailable(
            f"the C compiler {command[0]!r} was not found; the reference is C and is compiled "
            "here: install one (for example the package gcc or clang) or name one in CC"
        )
    return command


def version(command: list[str]) -> str:
    """Return the first line of the compiler's ``--version``."""
    asked = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)
    return (asked.stdout or asked.stderr).partition("\n")[0]


def library(flags: tuple[str, ...] = RULES) -> Path:
    """Return the compiled library, compiling it unless the cache holds this very build.

    Args:
        flags: ``RULES``, ``COVERAGE`` or one of ``BENCHES``.

    Raises:
        ReferenceUnavailable: without the sources or a compiler, or if it does not compile.
    """
    folder = source.headers()
    command = compiler()
    flags = (*_COMMON, *flags)
    native = _processor() if "-march=native" in flags else ""
    pins = [source.sha256(ADAPTER), *(pin for _, pin in source.FILES.values())]
    described = "\n".join([*command, version(command), native, *flags, *pins])
    key = hashlib.sha256(described.encode()).hexdigest()[:16]
    target = cache_folder() / f"pong-{key}"
    if (target / "pong.so").is_file():
        return target / "pong.so"
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="build-") as place:
        words = [*command, *flags, f"-I{folder}", "-o", "pong.so", str(ADAPTER), "-lm"]
        run = subprocess.run(words, cwd=place, capture_output=True, text=True, check=False)
        if run.returncode:
            tail = "\n".join(run.stderr.splitlines()[-20:])
            raise ReferenceUnavailable(
                f"the reference does not compile: {shlex.join(words)} ended with "
                f"{run.returncode}:\n{tail}"
            )
        target.mkdir(exist_ok=True)
        # The library last: where it is, everything else is.
        for file in sorted(Path(place).iterdir(), key=lambda path: path.name == "pong.so"):
            os.replace(file, target / file.name)
    return target / "pong.so"


def _processor() -> str:
    """Name the processor: a cache on a shared disk must not serve another one's instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return os.uname().machine
    return "\n".join(sorted({line for line in lines if line.startswith(("model name", "flags"))}))


def prepare() -> Path:
    """Fetch and compile what a game needs, with progress on stderr; instant the second time.

    Call it before opening the reference: the download may take longer than a reference may.

    Raises:
        ReferenceUnavailable: saying what to do.
    """
    return library()
