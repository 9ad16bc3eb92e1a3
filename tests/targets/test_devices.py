"""The default target of an environment is one that was verified on the device at hand."""

import dataclasses
import json
import warnings
from pathlib import Path

import jax
import pytest

import envlift
from envlift import registry
from envlift.cli import main
from envlift.registry import registration

ROOT = Path(__file__).resolve().parents[2]
NAMES = envlift.list_envs()
NOT_YET = {"pokemon", "tcg_pocket"}
"""Without committed evidence: these must not say that they were verified."""


@pytest.fixture
def on(monkeypatch):
    """Pretend that JAX runs on some kind of device, and that nothing was told yet."""

    def pretend(kind):
        monkeypatch.setattr(registry, "device_kind", lambda: kind)
        monkeypatch.setattr(registry, "_told", set())

    return pretend


def verified_on(monkeypatch, table):
    entry = registration("pong")
    changed = dataclasses.replace(entry, verified_on=table)
    monkeypatch.setitem(registry._registrations, "pong", changed)


@pytest.mark.parametrize("name", NAMES)
def test_every_environment_says_where_it_was_verified(name):
    entry = registration(name)
    if name in NOT_YET:
        assert entry.verified_on is None
        return
    assert entry.verified_on
    for target, devices in entry.verified_on.items():
        package = Path(str(__import__(entry.factory.__module__, fromlist=["x"]).__file__)).parent
        evidence = json.loads((package / "verification" / f"evidence-{target}.json").read_text())
        assert evidence["verdict"] == "PASS"
        assert "cpu" in devices
        for device in set(devices) - {"cpu"}:
            assert compared(name, target, device), f"no committed comparison on {device}"


def compared(name, target, device):
    """Return whether a committed result says that a target's answers there are the CPU's."""
    found = []
    for path in (ROOT / "benchmarks" / "results").glob("gpu/*-truth.json"):
        result = json.loads(path.read_text())
        if result["platform"] == device:
            found += [
                c for c in result["cases"] if (c["environment"], c["target"]) == (name, target)
            ]
    return bool(found) and all(case["equal"] for case in found)


def test_a_target_that_was_not_verified_here_is_not_the_default(on, monkeypatch):
    on("abacus")
    verified_on(monkeypatch, {"warp": ("cpu",), "jax": ("cpu", "abacus")})
    assert envlift.make("pong").info.backend == "jax"
    assert envlift.make("pong", frameskip=8).info.options["frameskip"] == 8
    verified_on(monkeypatch, {"jax": ("cpu",), "warp": ("cpu", "abacus")})
    monkeypatch.setattr("envlift.envs.pong.env.default_backend", lambda: "jax")
    assert envlift.make("pong").info.backend == "warp"


def test_where_none_was_verified_one_has_to_insist_and_is_told_once(on):
    on("abacus")
    message = r"half_cheetah was never verified on abacus: verified warp on cpu.*backend='warp'"
    with pytest.raises(ValueError, match=message):
        envlift.make("half_cheetah")
    with pytest.warns(UserWarning, match="pong in jax was never verified on abacus"):
        assert envlift.make("pong", backend="jax").info.backend == "jax"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        envlift.make("pong", backend="jax")


def test_the_list_says_where(capsys):
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("pong ") and "verified jax on cpu" in line for line in lines)


def test_the_device_at_hand_is_named():
    assert registry.device_kind() in ("cpu", "cuda", "rocm", "tpu")
    with jax.default_device(jax.devices("cpu")[0]):
        assert registry.device_kind() == "cpu"
