"""An answer with what was found in it, and with what it took to get it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from trustlayer.examination import Examination
from trustlayer.exchange import Exchange
from trustlayer.finding import Finding, Unexamined
from trustlayer.model import Model, Reply, Request
from trustlayer.outcome import Attempt, Verdict
from trustlayer.trail import Answered

N = TypeVar("N", int, float)


@dataclass(frozen=True, slots=True)
class Examined:
    """An exchange, what was found in it, and whom it took to ask: the first one answered it."""

    exchange: Exchange
    examination: Examination
    asked: Sequence[tuple[Model, Answered]]

    @property
    def findings(self) -> Mapping[str, Finding]:
        return self.examination.findings

    @property
    def unexamined(self) -> tuple[Unexamined, ...]:
        return self.examination.unexamined

    @property
    def samples(self) -> tuple[Reply, ...]:
        """The further answers that the exchange carries; none when one of them failed."""
        replies = (answered.reply for _, answered in self.asked[1:])
        return tuple(r for r in replies if r is not None) if self.exchange.samples else ()

    def attempt(self, name: str, request: Request, verdict: Verdict, *, kept: bool) -> Attempt:
        """The attempt that this was, with all its costs; the samples came at the same time."""
        spent = costs([(model, a.reply) for model, a in self.asked if a.reply is not None])
        reply = self.asked[0][1].reply
        first, *others = (answered.seconds for _, answered in self.asked)
        return Attempt(
            name,
            request,
            verdict,
            verdict.action,
            kept=kept,
            seconds_asking=first + max(others, default=0.0),
            seconds_examining=self.examination.seconds,
            tokens_in=spent.tokens_in,
            tokens_out=spent.tokens_out,
            cost=spent.money,
            output=None if reply is None else reply.output,
        )


@dataclass(frozen=True, slots=True)
class Costs:
    """What several replies took together; None where one of them did not tell."""

    tokens_in: int | None
    tokens_out: int | None
    money: float | None


def costs(replies: Sequence[tuple[Model, Reply | None]]) -> Costs:
    """The sums over *replies*; None stands for one that told nothing."""
    return Costs(
        _sum([None if reply is None else reply.tokens_in for _, reply in replies]),
        _sum([None if reply is None else reply.tokens_out for _, reply in replies]),
        _sum([None if reply is None else model.cost(reply) for model, reply in replies]),
    )


def exchange_of(request: Request, reply: Reply, samples: Sequence[Reply]) -> Exchange:
    context = request.context if reply.context is None else reply.context
    rows = [sample.likelihoods for sample in samples]
    return Exchange(
        request.prompt,
        reply.text,
        context,
        tuple(sample.text for sample in samples),
        reply.likelihoods,
        reply.tokens,
        () if None in rows else tuple(row for row in rows if row is not None),
    )


def _sum(values: Sequence[N | None]) -> N | None:
    # One unknown makes the whole unknown: a sum of the rest would pass for a total.
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known and len(known) == len(values) else None


def added(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {**one, **other}}
