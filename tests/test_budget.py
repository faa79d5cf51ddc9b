from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from trustlayer import (
    Action,
    Evidence,
    Exchange,
    Finding,
    Model,
    Outcome,
    Policy,
    Price,
    Reply,
    Request,
    Span,
    Unexamined,
    Verifier,
)
from trustlayer.budget import Budget, Spent
from trustlayer.patience import retry_after
from trustlayer.thrift import Thrift


@dataclass(frozen=True)
class Words:
    """The risk stands in the answer: "0.7 because of this"."""

    name: str = "words"
    slow: float = 0.0
    seen: list[str] = field(default_factory=list, repr=False, compare=False)

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding]:
        time.sleep(self.slow)
        self.seen.extend(e.answer for e in exchanges)
        return [Finding(float(e.answer.split()[0]), (Evidence("so"),)) for e in exchanges]


@dataclass(frozen=True)
class Pointing:
    """Doubts the words up to the first full stop, as far as the number says."""

    name: str = "pointing"

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding]:
        first = [e.answer.index(".", 3) + 1 for e in exchanges]
        return [
            Finding(float(e.answer.split()[0]), (Evidence("so", Span(0, end)),))
            for e, end in zip(exchanges, first, strict=True)
        ]


def scripted(name: str, *answers: Any, price: Price | None = None) -> Model:
    """A model that gives, or raises, one of *answers* after the other."""
    left = iter(answers)

    def ask(request: Request) -> Reply:
        answer = next(left)
        if isinstance(answer, BaseException):
            raise answer
        return Reply(answer, tokens_in=1_000, tokens_out=1_000)

    return Model(name, ask, price)


class Busy(Exception):
    def __init__(self, retry_after: object) -> None:
        super().__init__("too many requests")
        self.retry_after = retry_after


def actions(outcome: Outcome) -> list[str]:
    return [attempt.action.value for attempt in outcome.attempts]


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(attempts=2), "the budget of 2 attempts is spent"),
        (Budget(money=0.004), "the budget of 0.004 money is spent"),
        (Budget(tokens=3_000), "the budget of 3000 tokens is spent"),
    ],
)
def test_no_question_is_asked_beyond_the_budget(budget: Budget, reason: str) -> None:
    model = scripted("m", "0.9 a", "0.8 b", "0.1 c", price=Price(1, 1))
    outcome = Verifier([Words()], [model], Policy(revisions=5, budget=budget)).run("?")
    assert actions(outcome) == ["revise", "revise", "hold"]
    assert outcome.errors == (f"not asked: {reason}",)
    assert outcome.answer is None
    assert outcome.best is not None
    assert outcome.best.exchange.answer == "0.8 b"
    assert "attempts" in outcome.policy


def test_what_a_model_does_not_tell_counts_as_spent() -> None:
    outcome = Verifier(
        [Words()], [lambda text: "0.9 a"], Policy(revisions=5, budget=Budget(money=1.0))
    ).run("?")
    assert outcome.errors == (
        "not asked: an attempt did not tell its money, so that their budget cannot be held",
    )


def test_spent_sums_what_is_known() -> None:
    outcome = Verifier([Words()], [scripted("m", "0.9 a", "0.1 b", price=Price(1, 1))]).run("?")
    assert Spent.on(outcome.attempts) == Spent(0.004, 4_000, 0.0, 2)
    assert outcome.spent == Spent(0.004, 4_000, outcome.seconds, 2)


@pytest.mark.parametrize("values", [{"money": 0}, {"seconds": -1}, {"tokens": float("nan")}])
def test_a_budget_of_nothing_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        Budget(**values)


def test_an_answer_that_comes_too_late_is_not_waited_for() -> None:
    policy = Policy(budget=Budget(seconds=0.2))
    begun = time.perf_counter()

    def late(text: str) -> str:
        time.sleep(3)
        return "0.1 a"

    outcome = Verifier([Words()], [late], policy).run("?")
    assert time.perf_counter() - begun < 2.5
    assert outcome.action is Action.REFUSE
    assert "no answer within the" in outcome.errors[0]


async def test_an_awaited_answer_that_comes_too_late_is_cancelled() -> None:
    cancelled = asyncio.Event()

    async def ask(request: Request) -> str:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return "0.1 a"

    verifier = Verifier([Words()], [Model("m", ask)], Policy(budget=Budget(seconds=0.2)))
    outcome = await verifier.arun("?")
    await asyncio.wait_for(cancelled.wait(), 5)
    assert outcome.action is Action.REFUSE


def test_what_could_not_be_examined_in_time_is_unexamined() -> None:
    policy = Policy(budget=Budget(seconds=0.3))
    slow, late = Words("slow", slow=2.0), Words("late")
    outcome = Verifier([slow, late], [lambda text: "0.1 a"], policy).run("?")
    assert outcome.answer is None
    [verdict] = outcome.verdicts
    assert [u.detector for u in verdict.unexamined] == ["slow", "late"]
    assert verdict.unexamined[1].reason == "no time was left for it"


def test_a_rate_limit_is_waited_out_and_recorded() -> None:
    model = scripted("m", Busy(0.05), Busy("0.05"), "0.1 a")
    outcome = Verifier([Words()], [model]).run("?")
    assert outcome.answer == "0.1 a"
    assert actions(outcome) == ["revise", "revise", "accept"]
    assert outcome.errors == ("Busy: too many requests",) * 2
    assert outcome.seconds >= 0.1


async def test_a_rate_limit_is_awaited() -> None:
    outcome = await Verifier([Words()], [scripted("m", Busy(0.01), "0.1 a")]).arun("?")
    assert outcome.answer == "0.1 a"


def test_patience_ends() -> None:
    outcome = Verifier([Words()], [scripted("m", *[Busy(0.0)] * 9), scripted("n", "0.1 a")]).run(
        "?"
    )
    assert [attempt.model for attempt in outcome.attempts] == ["m", "m", "m", "m", "n"]


def test_who_wants_more_time_than_is_left_is_not_waited_for() -> None:
    policy = Policy(budget=Budget(seconds=5))
    outcome = Verifier([Words()], [scripted("m", Busy(30)), scripted("n", "0.1 a")], policy).run("")
    assert [attempt.model for attempt in outcome.attempts] == ["m", "n"]
    assert outcome.seconds < 4


@dataclass
class Response:
    headers: dict[str, str]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "3600"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_from_the_headers(
    headers: dict[str, str], expected: float | None
) -> None:
    error = RuntimeError()
    error.response = Response(headers)  # type: ignore[attr-defined]
    assert retry_after(error) == expected


def test_retry_after_may_be_a_date() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=20))
    found = retry_after(Busy(at))
    assert found is not None
    assert 15 < found <= 20


def test_a_cascade_stops_when_the_action_is_settled() -> None:
    cheap, dear = Words("cheap"), Words("dear")
    verifier = Verifier([cheap, dear], policy=Policy(cascade=True, clear={"cheap": 0.1}))
    bad, open_, sound = verifier.verify_all([Exchange("?", f"{r} a") for r in (0.9, 0.4, 0.05)])
    assert dear.seen == ["0.4 a"]
    assert [v.action.value for v in (bad, open_, sound)] == ["hold", "accept", "accept"]
    assert bad.unexamined == (Unexamined("dear", "not needed: cheap exceeds its limit"),)
    assert sound.unexamined[0].reason == "not needed: cheap found the answer clearly sound"
    assert bad.risk < 1.0


def test_a_detector_cannot_declare_itself_needless() -> None:
    @dataclass(frozen=True)
    class Sly:
        name: str = "sly"

        def examine(self, exchanges: Sequence[Exchange], /) -> list[Unexamined]:
            return [Unexamined.skipped("sly", "trust me")] * len(exchanges)

    assert Verifier([Sly()]).verify(Exchange("?", "a")).action is Action.HOLD


def test_clear_cannot_lie_above_the_limit() -> None:
    with pytest.raises(ValueError, match="clear of words"):
        Policy(limit=0.3, clear={"words": 0.4})


def test_thrift_escalates_what_is_worth_its_price() -> None:
    thrift = Thrift(budget=1.0, price=0.1, fixed=True)
    assert thrift.worth(0.4, "dear", 1.9)  # falls to 0.2 by the prior
    assert not thrift.worth(0.4, "dear", 2.1)
    assert not thrift.worth(0.4, "dear", None)


def test_thrift_holds_its_budget_over_a_stream() -> None:
    thrift = Thrift(budget=0.005)
    spent = []
    for number in range(800):
        models = [
            scripted("small", f"{(number * 7 % 50) / 100:.2f} a", price=Price(0, 0.1)),
            scripted("large", "0.01 a", price=Price(0, 10)),
        ]
        outcome = Verifier([Words()], models, thrift=thrift).run("?")
        assert outcome.action is Action.ACCEPT
        spent.append(sum(a.cost or 0.0 for a in outcome.attempts))
    assert sum(spent[-400:]) / 400 == pytest.approx(0.005, rel=0.05)


def test_an_acceptable_answer_outlives_a_worse_one_from_above() -> None:
    models = [
        scripted("small", "0.4 a", price=Price(1, 1)),
        scripted("large", "0.9 b", price=Price(1, 1)),
    ]
    policy = Policy(revisions=0)
    outcome = Verifier([Words()], models, policy, thrift=Thrift(1.0)).run("?")
    assert actions(outcome) == ["escalate", "accept"]
    assert outcome.answer == "0.4 a"


def test_an_acceptable_answer_outlives_a_failure_above() -> None:
    models = [
        scripted("small", "0.4 a", price=Price(1, 1)),
        scripted("large", ValueError("down"), price=Price(1, 1)),
    ]
    outcome = Verifier([Words()], models, thrift=Thrift(1.0)).run("?")
    assert outcome.answer == "0.4 a"


@pytest.mark.parametrize(
    ("above", "answer"),
    [("0.45 b", "0.4 a"), ("0.39 b", "0.4 a"), ("0.37 b", "0.37 b")],
    ids=["worse", "within the noise", "better"],
)
def test_an_acceptable_answer_gives_way_to_a_clearly_better_one_only(
    above: str, answer: str
) -> None:
    models = [
        scripted("small", "0.4 a", price=Price(1, 1)),
        scripted("large", above, price=Price(1, 1)),
    ]
    outcome = Verifier([Words()], models, thrift=Thrift(1.0)).run("?")
    assert actions(outcome) == ["escalate", "accept"]
    assert outcome.answer == answer


def test_what_was_kept_decides_whether_to_go_on() -> None:
    thrift = Thrift(budget=1.0, price=0.1, fixed=True)
    models = [
        scripted("small", "0.1 a", price=Price(1, 1)),
        scripted("middle", "0.4 b", price=Price(1, 1)),
        scripted("large", "0.0 c", price=Price(0, 1_000)),
    ]
    outcome = Verifier([Words()], models, thrift=thrift).run("?")
    assert [a.model for a in outcome.attempts] == ["small", "middle"]
    assert outcome.answer == "0.1 a"


def test_a_fall_within_the_margin_is_not_worth_a_question() -> None:
    thrift = Thrift(budget=1.0)
    assert thrift.worth(0.04, "free", 0.0, margin=0.019)
    assert not thrift.worth(0.04, "free", 0.0, margin=0.02)


def test_a_margin_is_a_part_of_the_scale() -> None:
    with pytest.raises(ValueError, match="margin must lie in"):
        Policy(margin=1.0)


def test_a_revision_that_was_asked_for_what_is_missing_need_not_be_safer() -> None:
    answers = ["0.9 was told. Kept as it is.", "0.4 was said.", "0.4 was meant. Kept as it is."]
    models = [scripted("m", *answers)]
    outcome = Verifier([Pointing()], models, Policy(revisions=2)).run("?")
    assert outcome.answer == "0.4 was meant. Kept as it is."


async def test_two_hundred_runs_at_once() -> None:
    async def ask(request: Request) -> str:
        await asyncio.sleep(0.01)
        return "0.9 a" if not request.advice else "0.1 b"

    verifier = Verifier([Words()], [Model("m", ask)])
    outcomes = await asyncio.gather(*(verifier.arun(f"{n}") for n in range(200)))
    assert [outcome.prompt for outcome in outcomes] == [f"{n}" for n in range(200)]
    assert all(actions(outcome) == ["revise", "accept"] for outcome in outcomes)


async def test_failures_and_cancellations_among_many_leave_a_whole_trail() -> None:
    @dataclass
    class Memory:
        outcomes: list[Outcome] = field(default_factory=list)

        def record(self, *outcomes: Outcome) -> None:
            self.outcomes += outcomes

    async def ask(request: Request) -> str:
        kind = int(request.prompt) % 4
        if kind == 0:
            raise RuntimeError("down")
        if kind == 1:
            await asyncio.Event().wait()
        return "0.1 a"

    memory = Memory()
    verifier = Verifier([Words()], [Model("m", ask)], store=memory)
    tasks = [asyncio.ensure_future(verifier.arun(f"{n}")) for n in range(200)]
    await asyncio.gather(*(task for n, task in enumerate(tasks) if n % 4 != 1))
    for task in tasks[1::4]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    found = {int(outcome.prompt): outcome for outcome in memory.outcomes}
    assert len(memory.outcomes) == len(found) == 200
    assert all(found[n].errors == ("RuntimeError: down",) for n in range(0, 200, 4))
    assert all("CancelledError" in (found[n].interrupted or "") for n in range(1, 200, 4))
    assert all(found[n].answer == "0.1 a" for n in range(2, 200, 4))
