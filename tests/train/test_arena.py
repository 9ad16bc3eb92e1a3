"""``envlift train --self-play`` and ``envlift arena``, from the words to files and ratings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from envlift import against, registry
from envlift.cli import main
from envlift.train import metrics
from envlift.train.games import arena
from envlift.train.play import load_policy
from tests.contract.duel import REGISTRATION, Duel
from tests.contract.toy import REGISTRATION as TOY

SMALL = [
    *("--num-envs", "32", "--horizon", "8", "--hidden", "8", "--minibatches", "2"),
    *("--evaluate-every", "2", "--evaluate-games", "4", "--checkpoint-every", "2"),
    *("--total-steps", "1024", "--learning-rate", "0.01"),
]


@pytest.fixture(autouse=True, scope="module")
def _games_are_registered() -> Iterator[None]:
    registry.list_envs()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry._registrations, "duel", REGISTRATION)
        patch.setitem(registry._registrations, "toy", TOY)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four updates; checkpoints after two and four."""
    folder = tmp_path_factory.mktemp("runs") / "duel"
    assert main(["train", "duel", "--self-play", "--out", str(folder), *SMALL]) == 0
    return folder


def test_a_run_leaves_its_curves(run: Path) -> None:
    rows = metrics.read(run)
    extra = set(rows[-1]) - set(metrics.METRICS)
    known = {*metrics.SELF_PLAY_METRICS, "win_random", "win_strongest"} - {"win_BOT"}
    assert extra == known
    for name in ("curve.png", "elo.png"):
        with Image.open(run / name) as image:
            assert image.size == (1280, 800)


def test_what_a_run_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "duel", "--self-play", "--out", str(tmp_path / "run"), *SMALL]
    assert main(words) == 0
    said = capsys.readouterr().out
    row = metrics.read(tmp_path / "run")[-1]
    expected = (
        f"against bots: random {row['win_random']:.0%}  strongest {row['win_strongest']:.0%}  "
        f"Elo {row['elo']:,.0f}"
    )
    assert expected in said
    assert f"rate it: envlift arena duel {tmp_path / 'run'} random" in said


def test_an_arena(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table, the JSON and the picture agree; equal seeds give equal results."""
    given = [str(run), f"{run}@2", "strongest", "random"]
    contenders = ["duel", "duel@2", "strongest", "random"]
    out, plot = tmp_path / "arena.json", tmp_path / "arena.png"
    words = ["arena", "duel", *given, "--seeds", "10"]
    assert main([*words, "--json", str(out), "--plot", str(plot)]) == 0
    said = capsys.readouterr().out
    told = json.loads(out.read_text(encoding="utf-8"))
    assert told["contenders"] == contenders
    assert (told["seeds"], told["games_per_pair"], told["interrupted"]) == (10, 20, False)
    share = np.array(told["share_of_row_against_column"])
    off = ~np.eye(4, dtype=bool)
    assert np.allclose((share + share.T)[off], 1, atol=1e-3)
    rating = dict(zip(contenders, told["rating"], strict=True))
    assert rating["random"] == 1000
    assert rating["strongest"] > 1000
    strict = zip(told["low"], told["rating"], told["high"], strict=True)
    assert all(low <= middle <= high for low, middle, high in strict)
    assert said.count(" won ") == 6
    assert f"6/6  strongest won {share[2, 3]:.1%} against random" in said
    with Image.open(plot) as image:
        assert image.size[0] == 1280
    again = tmp_path / "again.json"
    assert main([*words, "--json", str(again)]) == 0
    other = json.loads(again.read_text(encoding="utf-8"))
    assert {**told, "seconds": 0} == {**other, "seconds": 0}


def test_an_arena_can_be_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What has been played by then is written."""
    played = []

    def stop(*words: object) -> None:
        played.append(words)
        raise KeyboardInterrupt

    game, entrants = arena.entries("duel", ["strongest", "random"], {})
    third = arena.Entry("again", entrants[0].contender, (), entrants[0].kind)
    found = arena.arena("duel", game, [*entrants, third], seeds=4, met=stop)
    assert found.interrupted
    assert len(played) == 1
    share = found.to_dict()["share_of_row_against_column"]
    assert share[0][1] == pytest.approx(played[0][2], abs=1e-4)
    assert share[0][2] is None
    assert found.to_dict()["rating"] == [None, None, None]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["duel", "random"], "an arena needs two contenders or more, not 1"),
        (["duel", "random", "random"], "random is given twice"),
        (["duel", "random", "best"], r"best is neither a bot of duel (random, strongest) nor a"),
        (["duel", "random", "RUN@last"], "give the number of an update after @, not 'last'"),
        (["duel", "random", "RUN@3"], "no checkpoint of step 3"),
        (["toy", "random", "other"], "toy has one player: an arena needs a game"),
        (["duel", "random", "strongest", "--seeds", "0"], "--seeds 0 is not allowed"),
    ],
)
def test_what_does_not_fit(
    run: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["arena", *(word.replace("RUN", str(run)) for word in words)]) == 4
    assert sentence in capsys.readouterr().err


def test_a_policy_as_an_opponent(run: Path) -> None:
    """It plays as the checkpoint does: greedy, the same action that ``act`` gives."""
    policy = load_policy(run)
    game = Duel(autoreset="disabled")
    observation, state = game.reset(jax.random.key(3))
    mask = game.legal_actions(state)
    opponent = policy.opponent(greedy=True)
    for player in range(2):
        _, action = policy.act(
            (), np.asarray(observation)[player][None], np.ones(1, bool), np.zeros((1, 1)),
            np.asarray(mask)[player][None], greedy=True,
        )  # fmt: skip
        chosen = opponent(jax.random.key(0), observation[player], mask[player])
        assert int(chosen) == int(action[0])
    env = against(game, policy.opponent(), seat=0)
    _, alone = env.reset(jax.random.key(3))
    drawn = {
        int(env.sample(key, alone, 0).others[0]) for key in jax.random.split(jax.random.key(1), 40)
    }
    assert len(drawn) > 1


def test_a_network_with_a_memory_is_no_opponent(tmp_path: Path) -> None:
    words = ["train", "duel", "--self-play", "--network", "gru", "--out", str(tmp_path), *SMALL]
    assert main([*words, "--total-steps", "256", "--minibatches", "1"]) == 0
    with pytest.raises(ValueError, match="network = 'gru' remembers, and an opponent of one step"):
        load_policy(tmp_path).opponent()
    assert main(["arena", "duel", str(tmp_path), "random", "--seeds", "2"]) == 0
