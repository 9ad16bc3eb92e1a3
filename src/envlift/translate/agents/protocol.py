"""What the loop and a coding agent say to each other.

An agent is asked for one turn at a time: here is a worktree, here is a prompt, this much money and
time is left. What it answers is never believed: only what it changed in the worktree counts, and
the verifier judges that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

Status = Literal["done", "failed", "timeout", "over budget"]
"""How a turn ended, as the agent tells it. ``done`` says nothing about the code."""

CostSource = Literal["reported", "priced", "declared"]
"""Who said what a turn cost: the agent or its provider, the ``genai-prices`` tables applied to the
tokens, or the user in advance."""


class AgentError(RuntimeError):
    """The agent cannot be used as configured; the message says what to change."""


@dataclass(frozen=True)
class Usage:
    """Tokens of a turn.

    Attributes:
        input_tokens: of everything sent, those read from a cache included.
        cached_tokens: of these, the ones read from a cache.
        output_tokens: written by the model, reasoning included.
    """

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.cached_tokens + other.cached_tokens,
            self.output_tokens + other.output_tokens,
        )


@dataclass(frozen=True)
class Cost:
    """What a turn cost, in US dollars, and who says so."""

    dollars: float
    source: CostSource


@dataclass(frozen=True)
class TurnRequest:
    """One turn that is asked for.

    Attributes:
        turn: number of the turn, from 1.
        kind: ``decompose``, ``translate``, ``tests``, ``repair``, ``root-cause`` or ``optimise``.
        module: name of the module it is about, None for a turn about the whole.
        level: the level it is meant to pass.
        worktree: folder to work in; nothing outside it may be written.
        prompt: the whole prompt.
        log: existing folder for the agent's own log. What is known of usage should be written
            there while the turn goes on, so that a kill loses none of it.
        environment: all environment variables that a process of the turn may see.
        session: the agent's name of the conversation to go on with, None for a new one.
        dollars_left: what this turn may cost at most, None without a cap.
        seconds_left: wall time this turn may take at most, None without a cap.
    """

    turn: int
    kind: str
    module: str | None
    level: str
    worktree: Path
    prompt: str
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    session: str | None = None
    dollars_left: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True)
class TurnResult:
    """What an agent says of a turn.

    Attributes:
        status: how it ended.
        detail: one sentence for people: an error, or the agent's last words.
        usage: tokens, None where the agent does not tell.
        cost: None where nobody knows it; the loop then goes on only if a price was declared.
        model: the model that answered, as it calls itself, empty where unknown.
        session: how to go on with the conversation.
    """

    status: Status
    detail: str = ""
    usage: Usage | None = None
    cost: Cost | None = None
    model: str = ""
    session: str | None = None


class Agent(Protocol):
    """Writes code in a worktree.

    An agent is made from the options in the project file's ``[agent.options]`` by a factory, which
    raises ``AgentError`` for options that make no sense. Third parties offer theirs as an entry
    point in the group ``envlift.agents``.
    """

    name: str

    def run(self, request: TurnRequest) -> TurnResult:
        """Do one turn. Errors of the agent's own are a status, not an exception.

        Raises:
            AgentError: nothing can work until a person changes the configuration.
        """

    def recover(self, log: Path) -> TurnResult:
        """Say what is known of a turn that a kill cut off, from its log folder."""


Options = Mapping[str, Any]
