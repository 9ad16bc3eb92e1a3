"""``import envlift`` is light: no Warp, no JAX backend, nothing printed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CHECK = """
import sys
import envlift
assert "warp" not in sys.modules, "Warp is imported"
assert "gymnax" not in sys.modules, "gymnax is imported"
from jax._src import xla_bridge
assert not xla_bridge._backends, f"JAX started {list(xla_bridge._backends)}"
import gymnasium
assert "envlift/pong-v1" in gymnasium.registry, "Gymnasium does not know it"
envlift.list_envs()
assert "warp" not in sys.modules, "listing environments imports Warp"
assert not xla_bridge._backends, "listing environments starts JAX"
private = [name for name in sys.modules if ".verification" in name or ".reference." in name]
assert not [name for name in private if name.startswith("envlift.envs.")], private
"""


@pytest.mark.parametrize("extra", ["", "envlift.make('pong', backend='jax')\n"])
def test_a_fresh_interpreter(extra: str) -> None:
    """Making a pure-JAX Pong loads no Warp either."""
    code = CHECK + extra + 'assert "warp" not in sys.modules, "Warp is imported"'
    environment = {key: value for key, value in os.environ.items() if key != "JAX_PLATFORMS"}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout == ""
