"""What came of it: verdicts on answers, attempts at answers, and the outcome of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from trustlayer.budget import Spent
from trustlayer.certificate import Certificate
from trustlayer.exchange import Exchange
from trustlayer.finding import Finding, Unexamined
from trustlayer.model import Request
from trustlayer.policy import Action


@dataclass(frozen=True, slots=True)
class Verdict:
    """An exchange, what was found in it, and the action that follows.

    *risk* is the largest risk found, on the policy's scale (a detector's limit is at 0.5);
    it is 1.0 when a detector whose word is required could not examine the answer.
    """

    exchange: Exchange
    findings: Mapping[str, Finding]
    unexamined: tuple[Unexamined, ...]
    action: Action
    risk: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an answer: who was asked, what came back, how long and how dear it was.

    *model* is None for an answer that was given rather than asked for, and for a remark on what
    came before the first question. No *verdict* means
    that no answer came or that its examination broke off; *error* then says why. *kept*
    tells whether the answer was better than all before it. *seconds* of examining are by
    detector. *output* is what the model gave, where the answer is only the text of it; no
    store keeps it.
    """

    model: str | None
    request: Request
    verdict: Verdict | None
    action: Action
    kept: bool = False
    error: str | None = None
    seconds_asking: float = 0.0
    seconds_examining: Mapping[str, float] = field(default_factory=dict[str, float])
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    output: object = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class DetectorRecord:
    """Which detector examined, as the audit store remembers it.

    *limit* is the risk up to which it let the answer be sound; None means unknown.
    """

    name: str
    version: str
    options: str
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every attempt of one run and what was decided in the end.

    *interrupted* names the exception that broke the run off (a cancellation, Ctrl-C), if
    one did. *correlation* holds the caller's own ids; one named ``template`` is the name of the
    prompt's template. *certificate* is the one that was in force.
    """

    id: str
    started: datetime
    seconds: float
    prompt: str
    context: tuple[str, ...]
    attempts: tuple[Attempt, ...]
    action: Action
    policy: str
    detectors: tuple[DetectorRecord, ...]
    correlation: Mapping[str, str] = field(default_factory=dict[str, str])
    interrupted: str | None = None
    certificate: Certificate | None = None

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts on all answers that came, in order."""
        return tuple(a.verdict for a in self.attempts if a.verdict is not None)

    @property
    def best(self) -> Verdict | None:
        """The verdict on the best answer: the accepted one, or the one to show to a person."""
        kept = [a.verdict for a in self.attempts if a.kept and a.verdict is not None]
        return kept[-1] if kept else None

    @property
    def spent(self) -> Spent:
        """What all attempts together took."""
        return Spent.on(self.attempts, self.seconds)

    @property
    def answer(self) -> str | None:
        """The accepted answer, or None: nothing else may be handed out."""
        if self.action is Action.ACCEPT and self.best is not None:
            return self.best.exchange.answer
        return None

    @property
    def errors(self) -> tuple[str, ...]:
        """What went wrong on the way, in order."""
        found = [a.error for a in self.attempts if a.error is not None]
        return tuple([*found, self.interrupted] if self.interrupted else found)
