"""The loop asks for further answers only where they are worth it, and never on the quiet."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from trustlayer import (
    Action,
    Detector,
    Exchange,
    Finding,
    Model,
    Policy,
    Reply,
    Request,
    Sampling,
    Token,
    Unexamined,
    Verifier,
    detector,
)
from trustlayer.budget import Budget


@detector
def uncertainty(exchange: Exchange) -> Finding | Unexamined:
    """The share of samples that say something else."""
    if not exchange.samples:
        return Unexamined("uncertainty", "no samples")
    others = [sample for sample in exchange.samples if sample != exchange.answer]
    return Finding(len(others) / len(exchange.samples))


@dataclass(frozen=True)
class Grounded:
    """As risky as it is told."""

    risk: float
    name: str = "grounded"

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding]:
        return [Finding(self.risk)] * len(exchanges)


@dataclass
class Recorded:
    """A model that gives its answers in turn and remembers what it was asked."""

    answers: list[str | Exception]
    asked: list[Request] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Reply:
        with self.turn:
            answer = self.answers[len(self.asked)]
            self.asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return Reply(answer, tokens_in=10, tokens_out=1, cost=0.5)


def loop(
    *answers: str | Exception, grounded: float = 0.0, **options: object
) -> tuple[Verifier, Recorded]:
    recorded = Recorded(list(answers))
    policy = Policy(sampling=Sampling(count=3), revisions=0, **options)  # type: ignore[arg-type]
    detectors: list[Detector] = [uncertainty, Grounded(grounded)]
    return Verifier(detectors, [Model("cloud", recorded)], policy), recorded


def test_without_context_samples_are_asked_for_and_agreement_accepts() -> None:
    verifier, cloud = loop("Oslo", "Oslo", "Oslo", "Oslo")
    outcome = verifier.run("The capital of Norway?")
    assert outcome.answer == "Oslo"
    assert outcome.best is not None
    assert outcome.best.exchange.samples == ("Oslo", "Oslo", "Oslo")
    assert outcome.best.findings["uncertainty"].risk == 0.0
    assert len(cloud.asked) == 4


def test_the_samples_are_paid_for() -> None:
    [attempt] = loop("Oslo", "Oslo", "Oslo", "Oslo")[0].run("Where?").attempts
    assert (attempt.tokens_in, attempt.tokens_out, attempt.cost) == (40, 4, 2.0)


def test_disagreement_keeps_an_answer_back() -> None:
    outcome = loop("Oslo", "Bergen", "Bodø", "Voss")[0].run("Where?")
    assert (outcome.answer, outcome.action) == (None, Action.HOLD)


@pytest.mark.parametrize(
    ("context", "grounded", "asked"),
    [
        ((), 0.0, 4),  # nothing to rest on
        (("Oslo is it.",), 0.0, 1),  # clearly grounded: not worth the cost
        (("Oslo is it.",), 0.3, 4),  # the grey zone
        (("Oslo is it.",), 0.9, 1),  # lost already
        ((), 0.9, 1),
    ],
)
def test_samples_are_asked_for_only_where_they_may_matter(
    context: tuple[str, ...], grounded: float, asked: int
) -> None:
    verifier, cloud = loop("Oslo", "Oslo", "Oslo", "Oslo", grounded=grounded)
    outcome = verifier.run("Where?", context)
    assert len(cloud.asked) == asked
    assert (outcome.answer == "Oslo") is (grounded < 0.5)


def test_what_was_not_worth_sampling_stays_recorded_as_unexamined() -> None:
    outcome = loop("Oslo")[0].run("Where?", ["Oslo is it."])
    assert outcome.answer == "Oslo"
    assert outcome.best is not None
    assert outcome.best.unexamined == (Unexamined("uncertainty", "no samples"),)


def test_a_failing_sample_leaves_the_answer_unexamined_for_uncertainty() -> None:
    outcome = loop("Oslo", "Oslo", TimeoutError("too slow"), "Oslo")[0].run("Where?")
    assert (outcome.answer, outcome.action) == (None, Action.HOLD)
    assert outcome.best is not None
    assert outcome.best.unexamined == (
        Unexamined("uncertainty", "sampling failed: TimeoutError: too slow"),
    )


def test_a_given_answer_is_not_accepted_where_samples_would_have_been_asked_for() -> None:
    verifier, _ = loop()
    assert verifier.verify(Exchange("Where?", "Oslo")).action is Action.HOLD
    sampled = Exchange("Where?", "Oslo", samples=("Oslo", "Oslo"))
    assert verifier.verify(sampled).action is Action.ACCEPT


def test_alone_it_always_wants_samples() -> None:
    cloud = Recorded(["Oslo", "Voss", "Bodø"])
    policy = Policy(sampling=Sampling(count=2), revisions=0)
    outcome = Verifier([uncertainty], [Model("cloud", cloud)], policy).run("Where?", ["Here."])
    assert (outcome.answer, len(cloud.asked)) == (None, 3)


def test_a_sampled_detector_that_fails_with_samples_still_blocks() -> None:
    @detector
    def agreement(exchange: Exchange) -> Finding | Unexamined:
        return Unexamined("agreement", "no weights")

    policy = Policy(sampling=Sampling(count=2))
    verifier = Verifier([agreement], [Model("cloud", Recorded(["a", "b", "c"]))], policy)
    assert verifier.run("Where?", ["Here."]).answer is None


def test_nobody_is_asked_when_no_detector_lives_on_samples() -> None:
    cloud = Recorded(["Oslo"])
    policy = Policy(sampling=Sampling())
    verifier = Verifier([Grounded(0.3)], [Model("cloud", cloud)], policy)
    assert verifier.run("Where?").answer == "Oslo"
    assert len(cloud.asked) == 1


def test_a_revised_answer_is_held_against_the_same_samples() -> None:
    cloud = Recorded(["Voss", "Oslo", "Oslo", "Oslo", "Oslo"])
    policy = Policy(sampling=Sampling(count=3), revisions=1)
    outcome = Verifier([uncertainty], [Model("cloud", cloud)], policy).run("Where?")
    assert outcome.answer == "Oslo"
    assert [bool(request.advice) for request in cloud.asked] == [False] * 4 + [True]


def test_samples_may_come_from_other_models() -> None:
    first, second = Recorded(["Oslo", "Oslo"]), Recorded(["Voss"])
    others = (Model("first", first), Model("second", second))
    policy = Policy(sampling=Sampling(count=3, models=others), revisions=0)
    outcome = Verifier([uncertainty], [Model("cloud", Recorded(["Oslo"]))], policy).run("Where?")
    assert outcome.best is not None
    assert outcome.best.exchange.samples == ("Oslo", "Voss", "Oslo")
    assert outcome.best.findings["uncertainty"].risk == pytest.approx(1 / 3)


def _together(count: int) -> Callable[[Request], str]:
    barrier = threading.Barrier(count, timeout=20)
    first = threading.Event()

    def ask(request: Request) -> str:
        if first.is_set():
            barrier.wait()  # breaks unless all samples are under way at once
        first.set()
        return "Oslo"

    return ask


def test_samples_are_asked_for_at_the_same_time() -> None:
    policy = Policy(sampling=Sampling(count=3))
    assert Verifier([uncertainty], [Model("cloud", _together(3))], policy).run("?").answer == "Oslo"


async def test_samples_are_awaited_at_the_same_time() -> None:
    waiting = 0
    all_there = asyncio.Event()

    async def ask(request: Request) -> str:
        nonlocal waiting
        waiting += 1
        if waiting == 4:
            all_there.set()
        if waiting > 1:
            await asyncio.wait_for(all_there.wait(), 20)
        return "Oslo"

    policy = Policy(sampling=Sampling(count=3))
    outcome = await Verifier([uncertainty], [Model("cloud", ask)], policy).arun("?")
    assert outcome.answer == "Oslo"


def test_an_interrupted_sampling_is_recorded() -> None:
    recorded: list[str | None] = []

    class Memory:
        def record(self, *outcomes: object) -> None:
            recorded.extend(getattr(outcome, "interrupted", None) for outcome in outcomes)

    cloud = Recorded(["Oslo", "Oslo", "Oslo"])

    def ask(request: Request) -> Reply:
        if cloud.asked:
            raise KeyboardInterrupt
        return cloud(request)

    policy = Policy(sampling=Sampling(count=1))
    with pytest.raises(KeyboardInterrupt):
        Verifier([uncertainty], [Model("cloud", ask)], policy, Memory()).run("Where?")
    assert recorded == ["interrupted by KeyboardInterrupt"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count must be 1 or more, got 0"),
        ({"clear": 1.5}, "clear must lie in"),
        ({"clear": float("nan")}, "clear must lie in"),
    ],
)
def test_nonsense_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Sampling(**options)  # type: ignore[arg-type]


def test_one_name_is_not_a_set_of_names() -> None:
    with pytest.raises(TypeError, match="serves must be a set of names"):
        Sampling(serves="uncertainty")  # type: ignore[arg-type]


def test_log_probabilities_come_along() -> None:
    def ask(request: Request) -> Reply:
        return Reply("Oslo", tokens=(Token("Oslo", -0.1, (-0.1, -2.4)),))

    policy = Policy(sampling=Sampling(count=2))
    outcome = Verifier([uncertainty], [Model("cloud", ask)], policy).run("Where?")
    assert outcome.best is not None
    exchange = outcome.best.exchange
    assert exchange.logprobs == (-0.1,)
    assert exchange.tokens == (Token("Oslo", -0.1, (-0.1, -2.4)),)
    assert exchange.sample_logprobs == ((-0.1,), (-0.1,))


def test_log_probabilities_of_some_samples_are_those_of_none() -> None:
    first, second = Reply("Oslo", logprobs=(-0.1,)), Reply("Oslo", logprobs=(-0.2,))
    replies = iter([first, second, Reply("Oslo")])
    policy = Policy(sampling=Sampling(count=2))
    cloud = Model("cloud", lambda request: next(replies))
    outcome = Verifier([uncertainty], [cloud], policy).run("Where?")
    assert outcome.best is not None
    assert outcome.best.exchange.sample_logprobs == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": ("a",), "sample_logprobs": ((-1.0,), (-1.0,))}, "each of the 1 samples"),
        ({"samples": ("a",), "sample_logprobs": ((1.0,),)}, "must be a number <= 0"),
    ],
)
def test_impossible_log_probabilities_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Exchange("Where?", "Oslo", **options)


def test_an_impossible_token_is_refused() -> None:
    with pytest.raises(ValueError, match=r"alternatives\[0\] must be a number <= 0"):
        Token("Oslo", -0.1, (0.5,))


@pytest.mark.parametrize(
    ("budget", "asked"),
    [
        (Budget(money=0.5), 1),  # spent by the answer itself
        (Budget(tokens=11), 1),
        (Budget(attempts=1), 1),
        (Budget(money=0.6), 4),
        (Budget(attempts=2), 4),
    ],
)
def test_no_sample_is_asked_for_once_the_budget_is_spent(budget: Budget, asked: int) -> None:
    verifier, cloud = loop("Oslo", "Oslo", "Oslo", "Oslo", budget=budget)
    outcome = verifier.run("Where?")
    assert len(cloud.asked) == asked
    assert outcome.answer == (None if asked == 1 else "Oslo")


def test_samples_count_towards_the_budget() -> None:
    cloud = Recorded(["Oslo", "Voss", "Bodø", "Hamar", "Narvik"])
    policy = Policy(sampling=Sampling(count=3), revisions=3, budget=Budget(money=2.0))
    outcome = Verifier([uncertainty], [Model("cloud", cloud)], policy).run("Where?")
    assert len(cloud.asked) == 4
    assert outcome.answer is None
