"""What a run has come to: its attempts, and what it waited for on the way."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from trustlayer.budget import Spent
from trustlayer.examination import Examination
from trustlayer.exchange import Exchange
from trustlayer.model import Ask, Reply, Request
from trustlayer.outcome import Attempt, Verdict
from trustlayer.policy import Action, Policy


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an `Ask`: a reply, or the error in its place.

    *retry_after* is how many seconds later the model wants to be asked again, if it said so.
    """

    reply: Reply | None
    error: str | None
    seconds: float
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Several:
    """Questions that may be put at the same time."""

    asks: tuple[Ask, ...]


Samples = dict[tuple[str, Request], tuple[Reply, ...]]


@dataclass(slots=True)
class Trail:
    """The attempts so far, the best verdict among them, and the samples by model and request.

    *sound* is the last verdict that allowed acceptance. *elapsed* tells the seconds since the
    run began.
    """

    attempts: list[Attempt] = field(default_factory=list[Attempt])
    best: Verdict | None = None
    sound: Verdict | None = None
    samples: Samples = field(default_factory=Samples)
    elapsed: Callable[[], float] = lambda: 0.0

    def add(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        if attempt.kept:
            self.best = attempt.verdict

    @property
    def action(self) -> Action:
        """The final action; REFUSE when the loop never came to one."""
        last = self.attempts[-1].action if self.attempts else Action.REFUSE
        return last if last.final else Action.REFUSE

    @property
    def spent(self) -> Spent:
        return Spent.on(self.attempts, self.elapsed())

    @property
    def newest_kept(self) -> bool:
        """Whether the last answer that came is the best so far."""
        return next((a.kept for a in reversed(self.attempts) if a.verdict is not None), False)

    def improves(self, verdict: Verdict, margin: float = 0.0) -> bool:
        """Whether *verdict* is the first, or its risk fell by more than *margin*."""
        return self.best is None or verdict.risk < self.best.risk - margin

    def ending(self, policy: Policy) -> Action:
        """What becomes of the run when nobody is asked any more."""
        if self.sound is not None:
            return Action.ACCEPT
        return Action.REFUSE if self.best is None else policy.otherwise


Step = Ask | Several | Exchange
Sent = Answered | tuple[Answered, ...] | Examination
Course = Generator[Step, Sent, None]
