"""Many tests here train with the same programs: also the small ones are compiled once."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import pytest

FROM = "jax_persistent_cache_min_compile_time_secs"


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Keep what is compiled in no time too, where ``tests/conftest.py`` keeps the rest.

    A folder of its own would be taken by whatever this worker compiles later, since JAX opens its
    folder once.
    """
    before = getattr(jax.config, FROM)
    jax.config.update(FROM, 0.0)
    yield
    jax.config.update(FROM, before)
