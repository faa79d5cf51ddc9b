"""The real loop over recorded answers, and what it made of them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trustlayer.finding import Detector
from trustlayer.model import Price
from trustlayer.outcome import Outcome
from trustlayer.policy import Policy
from trustlayer.recorded import Question, Rung
from trustlayer.thrift import Thrift
from trustlayer.verifier import Verifier

LIMIT = 0.9  # delivered at the top of the ladder unless this likely to be unsound
SPEND = 0.45  # of the price of always asking the strongest

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that does not change between replays; the first rung is the weakest."""

    questions: Sequence[Question]
    ladder: Sequence[Rung]
    detectors: Sequence[Detector]

    @property
    def weakest(self) -> str:
        return self.ladder[0].names[0]

    @property
    def strongest(self) -> str:
        return self.ladder[-1].names[0]

    def price_of(self, name: str) -> float:
        """The mean price of a question put to that model alone."""
        return _mean([q.cost(name, self._prices[name]) for q in self.questions])

    @property
    def _prices(self) -> Mapping[str, Price]:
        return {name: rung.prices[name] for rung in self.ladder for name in rung.names}

    def thrift(self, spend: float = SPEND, price: float | None = None) -> Thrift:
        """A budget of that share of the strongest model's price; *price* fixes its shadow price."""
        budget = spend * self.price_of(self.strongest)
        return Thrift(budget) if price is None else Thrift(budget, price, fixed=True)


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one question; *delivered* names who gave the answer that came out."""

    question: Question
    outcome: Outcome
    delivered: str | None
    before: bool  # whether the weakest model's answer is bad

    @property
    def after(self) -> bool | None:
        """Whether the delivered answer is bad; None when none was delivered."""
        return None if self.delivered is None else self.question.answers[self.delivered].bad

    @property
    def cost(self) -> float:
        return math.fsum(attempt.cost or 0.0 for attempt in self.outcome.attempts)

    @property
    def spoiled(self) -> bool:
        """A clean answer that ended bad, or was not delivered."""
        return not self.before and self.after is not False


def play(stage: Stage, policy: Policy, thrift: Thrift | None = None) -> list[Played]:
    """Run the loop on one question after the other."""
    models = [rung.model(stage.questions) for rung in stage.ladder]
    verifier = Verifier(stage.detectors, models, policy, timeout=None, thrift=thrift)
    return [_played(verifier.run(q.prompt, q.context), q, stage) for q in stage.questions]


def _played(outcome: Outcome, question: Question, stage: Stage) -> Played:
    before = question.answers[stage.weakest].bad
    kept = [a.model for a in outcome.attempts if a.kept]
    delivered = kept[-1] if outcome.answer is not None else None
    return Played(question, outcome, delivered, before)


@dataclass(frozen=True, slots=True)
class Figure:
    """A share or a mean, with its 95 % bootstrap interval over questions; NaN when undefined."""

    value: float
    low: float
    high: float


FIGURES: Mapping[str, Callable[[Sequence[Played]], float]] = {
    "hallucinated_before": lambda played: _mean([p.before for p in played]),
    "hallucinated_after": lambda played: _mean([p.after for p in played if p.after is not None]),
    "fall": lambda played: _fall(played),
    "delivered": lambda played: _mean([p.delivered is not None for p in played]),
    "spoiled": lambda played: _mean([p.spoiled for p in played if not p.before]),
    "held": lambda played: _mean([p.delivered is None for p in played if not p.before]),
    "repaired": lambda played: _mean([p.after is False for p in played if p.before]),
    "price": lambda played: _mean([p.cost for p in played]),
    "calls": lambda played: _mean([len(p.outcome.attempts) for p in played]),
}


def figures(played: Sequence[Played], draws: int = 1_000, seed: int = 0) -> dict[str, Figure]:
    """Every figure of the replay, with its interval."""
    rng = random.Random(seed)
    samples = [rng.choices(played, k=len(played)) for _ in range(draws)]
    return {name: _figure(measure, played, samples) for name, measure in FIGURES.items()}


def _figure(
    measure: Callable[[Sequence[Played]], float],
    played: Sequence[Played],
    samples: Sequence[Sequence[Played]],
) -> Figure:
    drawn = sorted(v for v in map(measure, samples) if not math.isnan(v))
    if not drawn:
        return Figure(measure(played), math.nan, math.nan)
    low, high = (drawn[min(len(drawn) - 1, int(q * len(drawn)))] for q in (0.025, 0.975))
    return Figure(measure(played), low, high)


@dataclass(frozen=True, slots=True)
class Use:
    """What was asked of one model over a whole replay, and how many of its answers came out."""

    calls: int
    tokens_in: int
    tokens_out: int
    price: float
    delivered: int


def uses(played: Sequence[Played]) -> dict[str, Use]:
    """The calls by model, in the order in which they were first asked."""
    attempts = [attempt for p in played for attempt in p.outcome.attempts]
    names = dict.fromkeys(str(attempt.model) for attempt in attempts)
    found: dict[str, Use] = {}
    for name in names:
        own = [attempt for attempt in attempts if attempt.model == name]
        found[name] = Use(
            len(own),
            sum(attempt.tokens_in or 0 for attempt in own),
            sum(attempt.tokens_out or 0 for attempt in own),
            math.fsum(attempt.cost or 0.0 for attempt in own),
            sum(p.delivered == name for p in played),
        )
    return found


def _fall(played: Sequence[Played]) -> float:
    """By how much of itself the share of hallucinated answers falls."""
    before, after = (FIGURES[f"hallucinated_{when}"](played) for when in ("before", "after"))
    return 1.0 - after / before if before else math.nan


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
