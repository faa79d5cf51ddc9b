"""Curves of a replay: quality at a cost, and risk at a coverage, beside what they compare to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from trustlayer.examination import examine
from trustlayer.policy import Policy
from trustlayer.recorded import Question
from trustlayer.rehearsal import Played, Stage, play

# Shadow prices, from asking the next model only where that is nearly free to asking always.
PRICES = (
    1e6,
    *(float(price) for price in np.geomspace(50.0, 0.2, 16)),
    *(float(price) for price in np.linspace(0.15, -0.15, 31)),
    *(-0.3, -1.0, -1e6),
)


@dataclass(frozen=True, slots=True)
class Point:
    """The mean price of a question, and the share of delivered answers that are bad."""

    price: float
    hallucinated: float


@dataclass(frozen=True, slots=True)
class Lead:
    """By how much the share of bad answers lies below that of another curve.

    *least* is the lead at the worst price, *mean* that over all prices that both reach.
    """

    least: float
    mean: float


@dataclass(frozen=True, slots=True)
class Curves:
    """*ours* beside what it has to beat, by rising price.

    *coin* escalates at every rung with one and the same probability; *chance* takes as many
    questions to each rung as ours does, but at random: what it lacks is the detectors' worth
    alone. The *oracle* escalates bad answers only and stops at the first good one. *alone* is
    each model of the ladder by itself. *coverage* is (share accepted, share bad among those)
    of the weakest model's answers, the safest first.
    """

    ours: tuple[Point, ...]
    coin: tuple[Point, ...]
    chance: tuple[Point, ...]
    alone: dict[str, Point]
    oracle: Point
    over_coin: Lead
    over_chance: Lead
    coverage: tuple[tuple[float, float], ...]


def curves(stage: Stage, policy: Policy) -> Curves:
    """Replay at one shadow price after the other."""
    alone = [_alone(stage, rung.names[0]) for rung in stage.ladder]
    played = [play(stage, policy, stage.thrift(price=price)) for price in PRICES]
    ours = _sorted([_point(one) for one in played])
    chance = _sorted([_random(alone, _reached(stage, one)) for one in played])
    odds = [float(p) for p in np.linspace(0.0, 1.0, 41)]
    coin = _sorted([_random(alone, [p**n for n in range(len(alone))]) for p in odds])
    return Curves(
        ours,
        coin,
        chance,
        {rung.names[0]: point for rung, point in zip(stage.ladder, alone, strict=True)},
        _oracle(stage),
        _lead(ours, coin),
        _lead(ours, chance),
        risk_coverage(stage, policy),
    )


def risk_coverage(stage: Stage, policy: Policy) -> tuple[tuple[float, float], ...]:
    """(share accepted, share bad among them), the weakest model's safest answers first."""
    name = stage.weakest
    exchanges = [question.exchange(name) for question in stage.questions]
    risks = [policy.risk(found.findings) for found in examine(stage.detectors, exchanges)]
    safest = sorted(range(len(risks)), key=risks.__getitem__)
    bad = list(accumulate(int(stage.questions[i].answers[name].bad) for i in safest))
    return tuple(((n + 1) / len(bad), total / (n + 1)) for n, total in enumerate(bad))


def _point(played: Sequence[Played]) -> Point:
    bad = [p.after for p in played if p.after is not None]
    return Point(_mean([p.cost for p in played]), _mean(bad))


def _reached(stage: Stage, played: Sequence[Played]) -> list[float]:
    """The share of the questions that reached each rung."""
    asked = [_rungs(stage, p) for p in played]
    return [_mean([count > rung for count in asked]) for rung in range(len(stage.ladder))]


def _rungs(stage: Stage, played: Played) -> int:
    """How many rungs were asked."""
    asked = {attempt.model for attempt in played.outcome.attempts}
    return sum(rung.names[0] in asked for rung in stage.ladder)


def _random(alone: Sequence[Point], reached: Sequence[float]) -> Point:
    """What is to be expected when those shares reach each rung by chance."""
    price = math.fsum(share * point.price for share, point in zip(reached, alone, strict=True))
    stays = [here - above for here, above in zip(reached, [*reached[1:], 0.0], strict=True)]
    bad = (share * point.hallucinated for share, point in zip(stays, alone, strict=True))
    return Point(price, math.fsum(bad))


def _alone(stage: Stage, name: str) -> Point:
    bad = _mean([question.answers[name].bad for question in stage.questions])
    return Point(stage.price_of(name), bad)


def _oracle(stage: Stage) -> Point:
    ends = [_best_end(stage, question) for question in stage.questions]
    return Point(_mean([price for price, _ in ends]), _mean([bad for _, bad in ends]))


def _best_end(stage: Stage, question: Question) -> tuple[float, bool]:
    price = 0.0
    for rung in stage.ladder:
        name = rung.names[0]
        price += question.cost(name, rung.prices[name])
        if not question.answers[name].bad:
            return price, False
    return price, True


def _lead(ours: Sequence[Point], others: Sequence[Point]) -> Lead:
    low = max(ours[0].price, others[0].price)
    high = min(ours[-1].price, others[-1].price)
    at = np.linspace(low, high, 201)[1:-1]  # at the ends both are the same
    own, other = (
        np.interp(at, [p.price for p in curve], [p.hallucinated for p in curve])
        for curve in (ours, others)
    )
    return Lead(float((other - own).min()), float((other - own).mean()))


def _sorted(points: Sequence[Point]) -> tuple[Point, ...]:
    """By price; of points at one price, the mean."""
    prices = sorted({point.price for point in points})
    return tuple(
        Point(price, _mean([p.hallucinated for p in points if p.price == price]))
        for price in prices
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
