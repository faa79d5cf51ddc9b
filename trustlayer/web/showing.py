"""One outcome as its page shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trustlayer.audit.labels import chosen
from trustlayer.outcome import Attempt, Outcome, Verdict
from trustlayer.policy import DEFAULT_LIMIT
from trustlayer.web.differences import Part, differences
from trustlayer.web.marking import Mark, Stretch, marks, stretches

MOST = 200_000  # characters of one text on a page


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt: its answer marked, and what changed since the answer before it.

    *stretches* are None where no answer came, *before* and *after* where there is no earlier
    one; *against* is the number, from 1, of the attempt that it is compared with.
    """

    attempt: Attempt
    marks: tuple[Mark, ...] = ()
    stretches: tuple[Stretch, ...] | None = None
    length: int = 0
    against: int = 0
    before: tuple[Part, ...] | None = None
    after: tuple[Part, ...] = ()

    @property
    def shown(self) -> int:
        return min(self.length, MOST)

    @property
    def changed(self) -> bool:
        """Whether it says something else than the answer before it."""
        return any(part.changed for part in (*(self.before or ()), *self.after))

    @property
    def cut(self) -> bool:
        return self.length > MOST


def shown(outcome: Outcome) -> dict[str, Any]:
    """What the templates need of *outcome*."""
    return {
        "outcome": outcome,
        "attempts": list(_tried(outcome)),
        "limits": limits(outcome),
        "passages": _passages(outcome),
        "answered": [n for n, a in enumerate(outcome.attempts) if a.verdict is not None],
        "best": chosen(outcome),
    }


def limits(outcome: Outcome) -> Mapping[str, float]:
    """The limit of each detector that stood ready."""
    found = {d.name: DEFAULT_LIMIT if d.limit is None else d.limit for d in outcome.detectors}
    names = {name for verdict in outcome.verdicts for name in verdict.findings}
    return dict.fromkeys(names, DEFAULT_LIMIT) | found


def tried(outcome: Outcome, number: int) -> Tried:
    """The attempt of that *number*, from 0, on its own."""
    return _one(outcome, outcome.attempts[number])


def _tried(outcome: Outcome) -> Iterator[Tried]:
    last: tuple[int, Verdict] | None = None
    for number, attempt in enumerate(outcome.attempts, 1):
        made = _one(outcome, attempt)
        if attempt.verdict is not None:
            yield _compared(made, last, attempt.verdict)
            last = (number, attempt.verdict)
        else:
            yield made


def _one(outcome: Outcome, attempt: Attempt) -> Tried:
    if attempt.verdict is None:
        return Tried(attempt)
    answer = attempt.verdict.exchange.answer
    found = marks(attempt.verdict, outcome.detectors)
    return Tried(attempt, tuple(found), tuple(stretches(answer[:MOST], found)), len(answer))


def _compared(made: Tried, last: tuple[int, Verdict] | None, verdict: Verdict) -> Tried:
    if last is None:
        return made
    number, before = last
    old, new = differences(before.exchange.answer[:MOST], verdict.exchange.answer[:MOST])
    return Tried(
        made.attempt, made.marks, made.stretches, made.length, number, tuple(old), tuple(new)
    )


def _passages(outcome: Outcome) -> tuple[str, ...]:
    # Those that the best answer rests on: a model may have found some for itself.
    best = outcome.best
    return best.exchange.context if best is not None else outcome.context
