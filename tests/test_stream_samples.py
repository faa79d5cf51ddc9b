"""Streams ask for samples before they hand out what only samples can vouch for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from trustlayer import (
    Action,
    Detector,
    Exchange,
    Finding,
    Model,
    Outcome,
    Policy,
    Reply,
    Request,
    Sampling,
    Unexamined,
    Verifier,
)
from trustlayer.budget import Budget

ANSWER = "Oslo lies on a fjord. It has 700,000 inhabitants."


@dataclass
class Repeated:
    """Lives on samples: the share that lacks the newest sentence of a beginning."""

    name: str = "uncertainty"
    seen: list[tuple[str, int]] = field(default_factory=list, repr=False)

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        return [self._one(exchange) for exchange in exchanges]

    def _one(self, exchange: Exchange) -> Finding | Unexamined:
        self.seen.append((exchange.answer, len(exchange.samples)))
        if not exchange.samples:
            return Unexamined(self.name, "no samples")
        newest = exchange.answer.strip().split(". ")[-1]
        return Finding(sum(newest not in s for s in exchange.samples) / len(exchange.samples))


@dataclass
class Cloud:
    """Streams one answer word by word, and gives another when it is asked for samples."""

    streamed: str = ANSWER
    sampled: str | Exception = ANSWER
    asked: list[Request] = field(default_factory=list)

    def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        if isinstance(self.sampled, Exception):
            raise self.sampled
        return Reply(self.sampled, tokens_in=10, tokens_out=5, cost=0.5)

    def stream(self, request: Request) -> Iterator[str | Reply]:
        yield from (f"{word} " for word in self.streamed.split(" "))
        yield Reply("", tokens_in=10, tokens_out=5, cost=0.5)

    async def astream(self, request: Request) -> AsyncIterator[str | Reply]:
        for chunk in self.stream(request):
            await asyncio.sleep(0)
            yield chunk


def verifier(
    cloud: Cloud, *detectors: Detector, budget: Budget | None = None, revisions: int = 0
) -> Verifier:
    policy = Policy(sampling=Sampling(count=3), revisions=revisions, budget=budget or Budget())
    return Verifier(detectors, [Model("cloud", cloud.ask, stream=cloud.stream)], policy)


def read(given: Verifier) -> tuple[str, Outcome]:
    stream = given.stream("The capital of Norway?")
    text = "".join(stream)
    assert stream.outcome is not None
    return text, stream.outcome


def test_samples_are_asked_for_once_and_serve_every_sentence() -> None:
    cloud, detector = Cloud(), Repeated()
    text, outcome = read(verifier(cloud, detector))
    assert text.split() == ANSWER.split()
    assert len(cloud.asked) == 3
    assert [count for _, count in detector.seen] == [0, 3, 3]
    assert outcome.action is Action.ACCEPT
    assert len(outcome.attempts[0].verdict.exchange.samples) == 3  # type: ignore[union-attr]


def test_the_samples_of_a_stream_are_paid_for() -> None:
    _, outcome = read(verifier(Cloud(), Repeated()))
    [attempt] = outcome.attempts
    assert (attempt.tokens_in, attempt.tokens_out, attempt.cost) == (40, 20, 2.0)


def test_what_the_samples_do_not_repeat_is_not_handed_out() -> None:
    cloud = Cloud(sampled="Oslo lies on a fjord. It is old.")
    text, outcome = read(verifier(cloud, Repeated()))
    assert text == "Oslo lies on a fjord."
    assert outcome.action is Action.HOLD


def test_a_failing_sample_leaves_a_stream_unexamined() -> None:
    text, outcome = read(verifier(Cloud(sampled=ConnectionError("down")), Repeated()))
    assert text == ""
    assert outcome.action is Action.HOLD
    [failure] = outcome.verdicts[0].unexamined
    assert failure.reason == "sampling failed: ConnectionError: down"


def test_no_samples_are_asked_for_once_the_budget_is_spent() -> None:
    busy = Cloud(streamed="A lie. " + ANSWER)
    text, _ = read(verifier(busy, Repeated(), budget=Budget(attempts=1), revisions=1))
    assert text == ""
    assert len(busy.asked) == 3  # for the first attempt; there was no second one


def test_a_second_draft_is_held_against_the_same_samples() -> None:
    cloud = Cloud(streamed="It is Bergen. It rains.")
    _, outcome = read(verifier(cloud, Repeated(), revisions=2))
    assert len(outcome.attempts) == 3
    assert len(cloud.asked) == 3


async def test_samples_of_an_awaited_stream() -> None:
    cloud = Cloud()
    model = Model("cloud", cloud.ask, stream=cloud.astream)
    given = Verifier([Repeated()], [model], Policy(sampling=Sampling(count=3)))
    stream = given.astream("The capital of Norway?")
    assert "".join([text async for text in stream]).split() == ANSWER.split()
    assert len(cloud.asked) == 3


@pytest.mark.parametrize("named", [False, True])
def test_a_gate_has_nobody_to_ask_unless_somebody_is_named(named: bool) -> None:
    cloud = Cloud()
    models = (Model("other", cloud.ask),) if named else ()
    policy = Policy(sampling=Sampling(count=2, models=models))
    gate = Verifier([Repeated()], policy=policy).gate("The capital of Norway?")
    text = gate.feed(ANSWER) + gate.flush()
    assert gate.outcome is not None
    if named:
        assert text == ANSWER
    else:
        assert text == ""
        assert "name them in Sampling(models=...)" in gate.outcome.verdicts[0].unexamined[0].reason
