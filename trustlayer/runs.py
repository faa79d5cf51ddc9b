"""One run under way: its course, its trail, and the outcome that it comes to."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from trustlayer.budget import Budget
from trustlayer.examination import Examination
from trustlayer.finding import Detector, Unexamined
from trustlayer.model import Ask, Request
from trustlayer.outcome import DetectorRecord, Outcome
from trustlayer.policy import Action, Policy
from trustlayer.trail import Answered, Course, Sent, Several, Step, Trail

Correlation = Mapping[str, str]  # the caller's own ids, by name


@dataclass(slots=True)
class Run:
    """A run between its first question and its outcome.

    *step* is what it waits for: an `Ask`, `Several`, an `Exchange` to be examined, or None at
    its end.
    """

    request: Request
    correlation: Mapping[str, str]
    trail: Trail
    course: Course | None = None
    step: Step | None = None
    interrupted: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    begun: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        self.trail.elapsed = lambda: time.perf_counter() - self.begun

    def deadline(self, budget: Budget) -> float:
        """The time of `time.perf_counter` at which *budget* has no more seconds."""
        return math.inf if budget.seconds is None else self.begun + budget.seconds

    def advance(self, sent: Sent | None = None) -> None:
        """Go on to the next step, *sent* being what the present one waited for."""
        assert self.course is not None
        try:
            self.step = next(self.course) if sent is None else self.course.send(sent)
        except StopIteration:
            self.step = None

    @property
    def asks(self) -> tuple[Ask, ...]:
        """The questions that it waits for; none when it waits for an examination."""
        if isinstance(self.step, Several):
            return self.step.asks
        return (self.step,) if isinstance(self.step, Ask) else ()

    def answer(self, answers: Sequence[Answered]) -> None:
        """Go on with the answers to its *asks*."""
        self.advance(tuple(answers) if isinstance(self.step, Several) else answers[0])

    def interrupt(self, error: BaseException, detectors: Sequence[Detector]) -> None:
        """Break off, keeping what was asked or answered so far in the trail."""
        if self.step is None or self.course is None:
            return
        self.interrupted = f"interrupted by {describe(error)}"
        self.advance(_nothing(self.step, self.interrupted, detectors))
        self.course.close()
        self.step = None

    def outcome(self, policy: Policy, detectors: Sequence[Detector]) -> Outcome:
        return Outcome(
            id=self.id,
            started=self.started,
            seconds=time.perf_counter() - self.begun,
            prompt=self.request.prompt,
            context=self.request.context,
            attempts=tuple(self.trail.attempts),
            action=Action.REFUSE if self.interrupted else self.trail.action,
            policy=repr(policy),
            detectors=tuple(record_of(d, policy.limit_of(d.name)) for d in detectors),
            correlation=self.correlation,
            interrupted=self.interrupted,
            certificate=policy.certificate,
        )


def record_of(detector: Detector, limit: float | None = None) -> DetectorRecord:
    """What the audit store remembers of *detector* and of the *limit* set on it."""
    version = str(getattr(detector, "version", "0"))
    return DetectorRecord(detector.name, version, repr(detector), limit)


def describe(error: BaseException) -> str:
    """The error's type and message on one line."""
    return ": ".join(filter(None, [type(error).__name__, str(error)]))


def _nothing(step: Step, reason: str, detectors: Sequence[Detector]) -> Sent:
    if isinstance(step, Ask):
        return Answered(None, reason, 0.0)
    if isinstance(step, Several):
        return (Answered(None, reason, 0.0),) * len(step.asks)
    return Examination({}, tuple(Unexamined(d.name, reason) for d in detectors), {})


def waiting(runs: Sequence[Run]) -> list[Run]:
    """Those that have not come to their end."""
    return [run for run in runs if run.step is not None]


def apart(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    """Those that wait for models, and those that wait for an examination."""
    return [run for run in runs if run.asks], [run for run in runs if not run.asks]


def answer_all(runs: Sequence[Run], answers: Sequence[Answered]) -> None:
    """Give each of *runs* as many of *answers* as it asked questions."""
    left = iter(answers)
    for run in runs:
        run.answer([next(left) for _ in run.asks])


def send_all(runs: Sequence[Run], results: Sequence[Examination]) -> None:
    """Go on with one of *results* each."""
    for run, result in zip(runs, results, strict=True):
        run.advance(result)


def each(
    correlation: Correlation | Sequence[Correlation] | None, count: int
) -> Sequence[Correlation | None]:
    """One for each of *count* runs, of what was given for all or for each."""
    if correlation is None or isinstance(correlation, Mapping):
        return [correlation] * count
    return correlation
