from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from trustlayer import Evidence, Exchange, Finding, Span, Unexamined, detector
from trustlayer.examination import examine


@dataclass(frozen=True)
class Made:
    """A detector whose whole answer is made by a function."""

    function: Callable[[Sequence[Exchange]], Any]
    name: str = "made"

    def examine(self, exchanges: Sequence[Exchange], /) -> Any:
        return self.function(exchanges)


@detector
def shouting(exchange: Exchange) -> Finding:
    return Finding(float(exchange.answer.isupper()))


BATCH = [Exchange("p", "one"), Exchange("p", "TWO"), Exchange("p", "three")]


def test_a_batch_is_one_call() -> None:
    calls: list[int] = []

    def count(exchanges: Sequence[Exchange]) -> list[Finding]:
        calls.append(len(exchanges))
        return [Finding(0.0) for _ in exchanges]

    examined = examine([Made(count), shouting], BATCH)
    assert calls == [3]
    assert [e.findings["shouting"].risk for e in examined] == [0.0, 1.0, 0.0]
    assert all(e.unexamined == () and set(e.seconds) == {"made", "shouting"} for e in examined)


def test_no_exchanges_are_no_work() -> None:
    assert examine([Made(lambda _: pytest.fail("called"))], []) == []


def test_one_bad_exchange_does_not_keep_the_others_from_being_examined() -> None:
    @detector
    def picky(exchange: Exchange) -> Finding:
        if exchange.answer == "TWO":
            raise ValueError("cannot read TWO")
        return Finding(0.25)

    examined = examine([picky], BATCH)
    assert [dict(e.findings) for e in examined] == [
        {"picky": Finding(0.25)},
        {},
        {"picky": Finding(0.25)},
    ]
    assert examined[1].unexamined == (Unexamined("picky", "raised ValueError: cannot read TWO"),)


@pytest.mark.parametrize(
    ("nonsense", "reason"),
    [
        (None, "raised TypeError: returned NoneType, expected a sequence of findings"),
        ([], "raised ValueError: returned 0 findings for 1 exchanges"),
        ([0.3], "returned float, expected a Finding"),
        (
            [Finding(0.5, (Evidence("beyond", Span(0, 99)),))],
            "pointed to character 99 of an answer of 3",
        ),
    ],
)
def test_nonsense_is_unexamined(nonsense: object, reason: str) -> None:
    [examined] = examine([Made(lambda _: nonsense)], BATCH[:1])
    assert examined.unexamined == (Unexamined("made", reason),)
    assert examined.findings == {}


def test_a_detector_may_say_itself_that_it_could_not() -> None:
    own = Unexamined("someone else", "no context")
    [examined] = examine([Made(lambda _: [own])], BATCH[:1])
    assert examined.unexamined == (Unexamined("made", "no context"),)


@pytest.mark.parametrize("timeout", [None, 30.0])
def test_a_timeout_error_of_the_detector_is_not_our_timeout(timeout: float | None) -> None:
    def slow(_: object) -> Any:
        raise TimeoutError("upstream")

    [examined] = examine([Made(slow)], BATCH[:1], timeout)
    assert examined.unexamined[0].reason == "raised TimeoutError: upstream"


def test_who_takes_too_long_is_not_waited_for() -> None:
    release = threading.Event()

    def hang(exchanges: Sequence[Exchange]) -> list[Finding]:
        release.wait(60)
        return [Finding(0.0) for _ in exchanges]

    examined = examine([Made(hang), shouting], BATCH, timeout=0.01)
    release.set()
    assert {e.unexamined[0].reason for e in examined} == {"gave no finding within 0.03 s"}
    assert all("shouting" in e.findings for e in examined)
