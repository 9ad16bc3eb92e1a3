from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from envlift.bench.benchmark import (
    Benchmark,
    Case,
    Form,
    Loop,
    ReferenceChild,
    ReferenceLoop,
    Sizes,
)
from envlift.bench.run import Settings

TOY = Path(__file__).with_name("toy_reference.py")


def play(child: ReferenceChild, form: Form, steps: int, seed: int) -> Loop:
    numbers = {"steps": steps, "seed": seed, **form.arguments}
    answer = child.call("loop", {k: np.array([v], np.int64) for k, v in numbers.items()})
    return Loop(float(answer["seconds"][0]), {"total": int(answer["total"][0])}, 1.5)


FORMS = (Form("slow", 1, {"slow": 1}), Form("fast", 8, {"slow": 0}))


@pytest.fixture
def toy() -> Callable[..., Benchmark]:
    def make(launch: str = f"python:{TOY}:Toy", **config: bool) -> Benchmark:
        return Benchmark(
            references=(ReferenceLoop(launch, play, steps=1 << 20, forms=FORMS),),
            backends=("jax",),
            cases=(Case("plain", config),),
        )

    return make


@pytest.fixture
def tiny() -> Settings:
    """Settings of a run that times the reference only: no child has to import JAX."""
    return Settings(repetitions=5, seconds=1e-3, sizes={"cpu": Sizes((), 0, (), 0)}, gpu=False)


@pytest.fixture
def small() -> Settings:
    """Settings of a run that times one small program through the API, in one child."""
    return Settings(
        repetitions=5, seconds=1e-3, sizes={"cpu": Sizes((), 0, (64,), 1 << 10)}, gpu=False
    )
