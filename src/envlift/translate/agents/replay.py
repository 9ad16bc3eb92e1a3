"""An agent that plays a recording: it changes what was changed, and says what it had cost."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from envlift.translate.agents.protocol import AgentError, Options, TurnRequest, TurnResult
from envlift.translate.agents.record import cut_off
from envlift.translate.agents.registry import Tools, read_options
from envlift.translate.loop.recording import read_turns


@dataclass(frozen=True)
class Settings:
    """Options: ``recording``, the folder that ``envlift translate --record`` wrote."""

    recording: str


class Replay:
    """Answers turn by turn with what was recorded."""

    name = "replay"

    def __init__(self, recording: Path) -> None:
        self.recording = recording
        self.turns = read_turns(recording)

    def run(self, request: TurnRequest) -> TurnResult:
        """Apply the recorded change of a turn.

        Raises:
            AgentError: if the loop asks for something else than it did then.
        """
        if request.turn > len(self.turns):
            raise AgentError(
                f"the recording ends after turn {len(self.turns)}, but the loop asks for another: "
                f"{request.kind} {request.module or ''} ({request.level})"
            )
        turn = self.turns[request.turn - 1]
        asked = (request.kind, request.module, request.level)
        then = (turn.kind, turn.module, turn.level)
        if asked != then:
            raise AgentError(
                f"turn {request.turn} leaves the recording: the loop asks for {asked}, it was "
                f"{then}; a verdict before it must have changed"
            )
        patch = self.recording / "turns" / f"{turn.number:04}.patch"
        if patch.is_file():
            done = subprocess.run(
                ["git", "apply", "--whitespace=nowarn", str(patch.resolve())],
                cwd=request.worktree,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise AgentError(f"{patch} does not apply: {done.stderr.strip()}")
        status = turn.status if turn.status in ("done", "failed", "timeout") else "over budget"
        return TurnResult(status, turn.detail, turn.usage, turn.cost, turn.model)  # type: ignore[arg-type]

    def recover(self, log: Path) -> TurnResult:
        """Nothing is spent by playing."""
        return cut_off(log)


def make(options: Options, tools: Tools) -> Replay:
    """Make the agent.

    Raises:
        AgentError, ProjectError: if there is no recording.
    """
    return Replay(Path(read_options(Settings, options, "replay").recording))
