"""Our own agent: a model behind an endpoint, four tools, and a loop.

Ask the model, do what it wants, tell it what came of it, until it wants nothing more. Everything
else here keeps a promise: the key stays in this process, what is spent is on the disk after every
answer, and the cap counts the answer that is still to come.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envlift.translate.agents import record
from envlift.translate.agents.dialects import Answer, Chat, Dialect, Message, Messages
from envlift.translate.agents.endpoint import Endpoint, EndpointError, TooLate
from envlift.translate.agents.pricing import Meter, declared_price
from envlift.translate.agents.protocol import (
    Agent,
    AgentError,
    Cost,
    Options,
    Status,
    TurnRequest,
    TurnResult,
    Usage,
)
from envlift.translate.agents.registry import Tools, read_options
from envlift.translate.agents.streams import BYTES_A_TOKEN, Pieces, events, take
from envlift.translate.agents.workbench import TOOLS, Workbench

INSTRUCTIONS = (
    "You are a careful software engineer. You work in a git worktree, by tools: a shell, and "
    "reading, writing and editing files. Do what the user asks, run the tests that you write, and "
    "do not change what you are told to leave alone. Others commit and judge your work. When it is "
    "finished, answer without a tool call, in one or two sentences."
)
CONVERSATION = "conversation.json"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_SLACK = 2
"""How many times longer than asked for an answer may seem, by its bytes, before it is cut off."""
_MANY = 1 << 40
_SHORTEST_ANSWER = 256
_LONGEST_DETAIL = 600


@dataclass(frozen=True)
class ApiOptions:
    """``[agent.options]`` of ``api``.

    Attributes:
        model: as its provider calls it.
        key: name of the environment variable that holds the key; empty for an endpoint that wants
            none.
        protocol: ``chat`` or ``messages``.
        base_url: by default the provider's whose protocol it is.
        provider: for the price; see ``pricing.price``. By default found from ``base_url``.
        price: see ``pricing.declared_price``.
        max_steps: answers of the model in one turn.
        max_tokens: of one answer.
        shell_seconds: that one command may take.
        network: False to take the network away from commands.
        attempts: how often one request is sent at most.
        stream: under a cap on dollars, have answers come in pieces, and cut off one that is longer
            than was asked for. False for an endpoint that cannot: one answer may then cost more
            than is left, if it does not heed ``max_tokens``.
    """

    model: str
    key: str = ""
    protocol: str = "chat"
    base_url: str = ""
    provider: str = ""
    price: Mapping[str, Any] | None = None
    max_steps: int = 200
    max_tokens: int = 16_000
    shell_seconds: float = 600.0
    network: bool = True
    attempts: int = 6
    stream: bool = True


class _Over(Exception):  # noqa: N818 - an end, not always an error
    """The turn is over."""

    def __init__(self, status: Status, detail: str) -> None:
        super().__init__(detail)
        self.status: Status = status


class ApiAgent:
    """A model behind an endpoint. Made by ``make``."""

    name = "api"

    def __init__(
        self,
        options: ApiOptions,
        tools: Tools,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.options = options
        self.tools = tools
        self.dialect: Dialect = (
            Messages() if options.protocol == "messages" else Chat(options.base_url)
        )
        base_url = options.base_url or self.dialect.base_url
        provider = options.provider or options.base_url or self.dialect.provider
        self.meter = Meter(provider, declared_price(options.price))
        self.endpoint = Endpoint(
            base_url,
            self.dialect.headers(self._key()),
            attempts=max(options.attempts, 1),
            sleep=sleep,
        )

    def _key(self) -> str:
        name = self.options.key
        if not name:
            return ""
        key = self.tools.environment.get(name, "").strip()
        if not key:
            raise AgentError(
                f"the environment variable {name}, which key = {name!r} names, is not set; set it "
                "to your key before starting envlift, and never write the key into a file"
            )
        self.tools.redactor.add(name, key)
        return key

    def run(self, request: TurnRequest) -> TurnResult:
        """Do one turn.

        Raises:
            AgentError: the endpoint refuses the key or knows no such model, or a cap on dollars
                cannot be kept because nobody knows a price.
        """
        if request.dollars_left is not None:
            self._check_price()
        return _Turn(self, request).run()

    def recover(self, log: Path) -> TurnResult:
        """Say what is known of a turn that a kill cut off."""
        self.tools.redactor.clean(log / "own")
        return record.cut_off(log)

    def _check_price(self) -> None:
        priced = self.meter.cost(Usage(1, 0, 1), self.options.model) is not None
        if not priced and self.tools.dollars_per_turn is None:
            raise AgentError(
                f"nobody knows what the model {self.options.model!r} at {self.endpoint.base_url} "
                "costs, so a cap on dollars cannot be kept; declare it: price = {input = ..., "
                "output = ..., cached = ...} (dollars for a million tokens) in [agent.options], or "
                'dollars_per_turn in [budget]; or name whose prices hold: provider = "openai"'
            )


class _Turn:
    """One turn: the conversation so far, and what it took."""

    def __init__(self, agent: ApiAgent, request: TurnRequest) -> None:
        self.agent = agent
        self.request = request
        seconds = request.seconds_left
        self.deadline = None if seconds is None else time.monotonic() + seconds
        # No command needs the key, under whatever name it is passed on by mistake.
        key = agent.tools.environment.get(agent.options.key)
        environment = {
            name: value
            for name, value in request.environment.items()
            if name != agent.options.key and (key is None or value.strip() != key.strip())
        }
        self.bench = Workbench(
            request.worktree,
            request.log,
            environment,
            agent.tools,
            agent.options.shell_seconds,
            agent.options.network,
            self.deadline,
        )
        self.usage: Usage | None = None
        self.cost: Cost | None = Cost(0.0, "declared" if agent.meter.declared else "priced")
        self.model = agent.options.model
        self.conversation = self._begin()
        self.known_tokens = 0
        self.known_messages = 0

    def run(self) -> TurnResult:
        """Ask and do until the model wants nothing more."""
        try:
            return self.loop()
        finally:
            self.agent.tools.redactor.clean(self.request.log / "own")

    def loop(self) -> TurnResult:
        """Ask and do; say how it ended."""
        try:
            for _ in range(self.agent.options.max_steps):
                answer = self.ask()
                self.conversation.append(answer.message)
                if answer.calls:
                    self.conversation += self.do(answer)
                elif answer.end == "length":
                    self.say("Your answer was cut off because it is too long. Go on.")
                elif answer.end == "refused":
                    raise _Over("failed", f"the model refused: {answer.text}")
                else:
                    raise _Over("done", answer.text)
            raise _Over("failed", f"not finished after max_steps = {self.agent.options.max_steps}")
        except _Over as over:
            return self.end(over.status, str(over))
        except TooLate:
            return self.end("timeout", f"took longer than {self.request.seconds_left:g} s")
        except EndpointError as error:
            if error.status in (401, 403, 404):
                self.end("failed", str(error))
                raise AgentError(self._refusal(error)) from None
            return self.end("failed", str(error))

    def ask(self) -> Answer:
        """Ask the model; what it took is on the disk before anything else happens."""
        agent, options = self.agent, self.agent.options
        most = self.affordable()
        body = agent.dialect.body(options.model, INSTRUCTIONS, self.conversation, TOOLS, most)
        begun: list[Pieces] = []

        def read(response: Any, until: float) -> dict[str, Any]:
            pieces = agent.dialect.pieces()
            begun.append(pieces)
            return self.gathered(pieces, events(response, until), most)

        capped = options.stream and self.request.dollars_left is not None
        try:
            data = agent.endpoint.ask(
                agent.dialect.path,
                agent.dialect.streamed(body) if capped else body,
                self.deadline,
                lambda text: self.note("retry", text),
                read if capped else None,
            )
        except (EndpointError, TooLate):
            self.pay(begun)
            raise
        self.pay(begun[:-1])
        self.note("answer", data)
        answer = agent.dialect.answer(data)
        self.count(answer)
        return answer

    def gathered(
        self, pieces: Pieces, arriving: Iterable[dict[str, Any]], most: int
    ) -> dict[str, Any]:
        """Put an answer together; cut it off when it is longer than was asked for.

        Closing the connection is all that a client can do; an endpoint writes no further then.
        """
        money = self._tokens_for_what_is_left()
        for event in arriving:
            take(pieces, event)
            # A piece of the answer holds a token at least. Its bytes are counted too high for what
            # is asked for, and rightly so for the money.
            beyond = pieces.tokens > max(most * _SLACK, most + _SHORTEST_ANSWER)
            if beyond or (money is not None and pieces.tokens > money):
                self.note("cut off", {"tokens": pieces.tokens, "asked for": most})
                self.pay([pieces])
                # Paid for already, by what had come.
                return {**pieces.cut(), "usage": self.agent.dialect.nothing}
        return pieces.whole()

    def pay(self, begun: Sequence[Pieces]) -> None:
        """Count answers that never came to their end, by what had come of them."""
        for pieces in begun:
            if pieces.begun:
                spent = Usage(self._tokens_to_send(), 0, pieces.tokens)
                self.add(spent, cache_written=spent.input_tokens)

    def do(self, answer: Answer) -> list[Message]:
        """Do what the model wants; return what to tell it."""
        results = []
        for call in answer.calls:
            text, failed = self.bench.do(call)
            self.note("result", {"call": call.id, "tool": call.name, "failed": failed, "is": text})
            results.append((call, text, failed))
        return self.agent.dialect.done(results)

    def say(self, text: str) -> None:
        """Say something to the model."""
        self.note("user", text)
        self.conversation.append(self.agent.dialect.said(text))

    def affordable(self) -> int:
        """Return how long the next answer may be, so that the cap holds whatever the model says.

        Raises:
            _Over: the money left does not even pay for what would be sent.
        """
        limit, cap = self.agent.options.max_tokens, self.request.dollars_left
        if cap is None:
            return limit
        if self.usage is None and self.known_messages:
            if self.agent.tools.dollars_per_turn is not None:
                return limit
            raise _Over(
                "failed",
                "the endpoint does not tell its tokens, so a cap on dollars cannot be kept",
            )
        sent = self._price_to_send()
        tokens = self._tokens_for_what_is_left()
        if sent is None or tokens is None or self.cost is None:
            return limit
        left = cap - self.cost.dollars - sent
        if left < 0 or tokens < min(_SHORTEST_ANSWER, limit):
            raise _Over(
                "over budget",
                f"{cap - self.cost.dollars:.4f} of {cap:.4f} dollars are left, and the next "
                f"request alone costs about {sent:.4f}",
            )
        return min(limit, tokens)

    def count(self, answer: Answer) -> None:
        """Add what an answer took, and write it down."""
        self.model = answer.model or self.model
        self.known_messages = len(self.conversation) + 1
        if answer.usage is not None:
            if answer.usage != Usage():
                self.known_tokens = answer.usage.input_tokens + answer.usage.output_tokens
            self.add(answer.usage, answer.cache_written)
        else:
            self.cost = None
        record.write_record(self.request.log, self._result("failed", record.CUT_OFF))

    def add(self, usage: Usage, cache_written: int = 0) -> None:
        """Add tokens and what they cost."""
        self.usage = (self.usage or Usage()) + usage
        # The model's own name may be dated or dressed up; the one that was asked for counts.
        model = self.agent.options.model
        cost = self.agent.meter.cost(usage, model, cache_written=cache_written)
        if cost is None or self.cost is None:
            self.cost = None
        else:
            self.cost = Cost(self.cost.dollars + cost.dollars, cost.source)

    def end(self, status: Status, detail: str) -> TurnResult:
        """Write down how it ended."""
        result = self._result(status, self.agent.tools.redactor.redact(detail)[:_LONGEST_DETAIL])
        self.note("end", {"status": status, "detail": detail})
        self._save(CONVERSATION, json.dumps(self.conversation))
        record.write_record(self.request.log, result)
        return result

    def note(self, event: str, content: Any) -> None:
        """Write a line of the transcript, without secrets."""
        line = json.dumps({"time": round(time.time(), 3), "event": event, "content": content})
        with (self.request.log / "transcript.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(self.agent.tools.redactor.redact(line) + "\n")

    def _begin(self) -> list[Message]:
        """Return the conversation that the prompt begins, or goes on with."""
        session = self.request.session
        conversation: list[Message] = []
        if session is not None and Path(session).name == session:
            before = self.request.log.parent / session / CONVERSATION
            if before.is_file():
                conversation = json.loads(before.read_text(encoding="utf-8"))
        prompt = self.agent.tools.redactor.redact(self.request.prompt)
        self.note("user", prompt)
        return [*conversation, self.agent.dialect.said(prompt)]

    def _tokens_to_send(self) -> int:
        """Estimate, rather too high: what the last answer told, and the bytes since then."""
        new = json.dumps(self.conversation[self.known_messages :])
        if not self.known_messages:
            new += INSTRUCTIONS + repr(TOOLS)
        return self.known_tokens + len(new.encode()) // BYTES_A_TOKEN

    def _price_to_send(self) -> float | None:
        tokens = self._tokens_to_send()
        # Nothing may be in the cache any more, and writing it there costs more than sending it.
        return self._price(Usage(input_tokens=tokens), cache_written=tokens)

    def _tokens_for_what_is_left(self) -> int | None:
        """Return how many tokens of an answer the money left pays for; None if nobody knows."""
        sent, cap = self._price_to_send(), self.request.dollars_left
        one = self._price(Usage(output_tokens=1_000_000))
        if cap is None or sent is None or one is None or self.cost is None:
            return None
        left = cap - self.cost.dollars - sent
        return _MANY if one == 0 else int(left / (one / 1_000_000))

    def _price(self, usage: Usage, cache_written: int = 0) -> float | None:
        meter, model = self.agent.meter, self.agent.options.model
        cost = meter.cost(usage, model, cache_written=cache_written)
        return None if cost is None else cost.dollars

    def _result(self, status: Status, detail: str) -> TurnResult:
        cost = self.cost
        if self.usage is None and self.known_messages == 0:
            cost = Cost(0.0, "declared")
        name = self.request.log.name
        return TurnResult(status, detail, self.usage, cost, self.model, name)

    def _refusal(self, error: EndpointError) -> str:
        options, redact = self.agent.options, self.agent.tools.redactor.redact
        advice = (
            f"is the model {options.model!r}, base_url and protocol = {options.protocol!r} right?"
            if error.status == 404
            else f"is the key in the variable {options.key or '(none named by key = ...)'} right?"
        )
        return redact(f"{self.agent.endpoint.base_url} refuses: {error}; {advice}")

    def _save(self, name: str, text: str) -> None:
        waiting = self.request.log / f"{name}.new"
        waiting.write_text(self.agent.tools.redactor.redact(text), encoding="utf-8")
        os.replace(waiting, self.request.log / name)


def make(options: Options, tools: Tools) -> Agent:
    """Make an agent of ``ApiOptions``.

    Raises:
        AgentError: for options that make no sense, or where the key is not set.
    """
    if "model" not in options:
        raise AgentError("the agent 'api' needs model = \"...\" in [agent.options]")
    read = read_options(ApiOptions, options, "api")
    if read.protocol not in ("chat", "messages"):
        raise AgentError(f"protocol = {read.protocol!r} is not known; use 'chat' or 'messages'")
    if read.base_url and not read.base_url.startswith(("http://", "https://")):
        raise AgentError(f"base_url = {read.base_url!r} is no address; begin it with https://")
    if read.max_steps < 1 or read.max_tokens < 1:
        raise AgentError("max_steps and max_tokens must be at least 1")
    if read.key not in tools.environment and not _VARIABLE.fullmatch(read.key or "_"):
        # Somebody may have written the key itself there; then it must not be shown.
        raise AgentError(
            "key must be the NAME of an environment variable, like OPENAI_API_KEY (capital "
            "letters, digits and _); the key itself stands in no file"
        )
    tools.sandbox.check(network=read.network)
    return ApiAgent(read, tools)
