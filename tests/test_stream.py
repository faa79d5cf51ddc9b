from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer import (
    Action,
    Evidence,
    Exchange,
    Finding,
    Model,
    Outcome,
    Policy,
    Reply,
    Request,
    Span,
    Verifier,
)
from trustlayer.budget import Budget


@dataclass
class Lies:
    """Finds the word "lie", and remembers every text that it let pass."""

    name: str = "lies"
    passed: list[str] = field(default_factory=list)

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding]:
        return [self._one(exchange.answer) for exchange in exchanges]

    def _one(self, text: str) -> Finding:
        if (at := text.find("lie")) >= 0:
            return Finding(0.9, (Evidence("a lie", Span(at, at + 3)),))
        self.passed.append(text)
        return Finding(0.1)


@dataclass
class Kept:
    """A store that remembers what the reader had when the outcome was recorded."""

    shown: list[str]
    outcomes: list[Outcome] = field(default_factory=list)
    shown_before: str | None = None

    def record(self, *outcomes: Outcome) -> None:
        self.outcomes += outcomes
        self.shown_before = "".join(self.shown)


@dataclass
class Script:
    """Streams one answer after the other in chunks, and counts what was pulled and closed."""

    answers: list[Any]
    size: int = 3
    requests: list[Request] = field(default_factory=list)
    pulled: list[str] = field(default_factory=list)
    closed: int = 0

    def stream(self, request: Request) -> Iterator[str | Reply]:
        self.requests.append(request)
        answer = self.answers[len(self.requests) - 1]
        self.pulled.append("")
        try:
            yield from self._chunks(answer)
        finally:
            self.closed += 1

    def _chunks(self, answer: Any) -> Iterator[str | Reply]:
        if isinstance(answer, BaseException):
            raise answer
        for at in range(0, len(answer), self.size):
            self.pulled[-1] = answer[: at + self.size]
            yield answer[at : at + self.size]
        yield Reply("", tokens_in=10, tokens_out=len(answer))

    async def astream(self, request: Request) -> AsyncIterator[str | Reply]:
        for chunk in self.stream(request):
            await asyncio.sleep(0)
            yield chunk

    def model(self, name: str = "m") -> Model:
        return Model(name, lambda request: "", stream=self.stream)


def read(verifier: Verifier, **options: Any) -> tuple[str, Outcome]:
    stream = verifier.stream("?", ("passage",), **options)
    text = "".join(stream)
    assert stream.outcome is not None
    return text, stream.outcome


GOOD = "All is well. It is 3.5 m tall, says Dr. Wu. The end."
SPOILT = "All is well. This is a lie. More follows here."


def test_a_clean_stream_comes_through_whole_and_is_recorded_before_its_last_sentence() -> None:
    shown: list[str] = []
    store = Kept(shown)
    stream = Verifier([Lies()], [Script([GOOD]).model()], store=store).stream("?")
    for text in stream:
        shown.append(text)
    assert shown == ["All is well.", " It is 3.5 m tall, says Dr. Wu.", " The end."]
    assert store.shown_before == "All is well. It is 3.5 m tall, says Dr. Wu."
    [outcome] = store.outcomes
    assert outcome == stream.outcome
    assert outcome.answer == GOOD
    assert (outcome.attempts[0].tokens_in, outcome.attempts[0].tokens_out) == (10, len(GOOD))


def test_the_upstream_is_stopped_and_asked_to_go_on() -> None:
    script = Script([SPOILT, " All is true now."])
    text, outcome = read(Verifier([Lies()], [script.model()]))
    assert text == "All is well. All is true now."
    assert outcome.answer == text
    assert [a.action.value for a in outcome.attempts] == ["revise", "accept"]
    assert "lie" in script.requests[1].advice
    assert script.requests[1].prefix == "All is well."
    assert script.pulled[0] == "All is well. This is a lie. More "[: len(script.pulled[0])]
    assert script.closed == 2
    first = outcome.attempts[0].verdict
    assert first is not None
    assert first.exchange.answer == "All is well. This is a lie."
    assert outcome.errors == ("stopped; 12 characters had been handed out",)


def test_a_repeated_beginning_is_trimmed() -> None:
    text, _ = read(Verifier([Lies()], [Script([SPOILT, "All is well. Truly."]).model()]))
    assert text == "All is well. Truly."


def test_an_answer_whose_first_sentence_is_bad_begins_anew() -> None:
    script = Script(["A lie at once. So it goes.", "Fine."])
    text, _ = read(Verifier([Lies()], [script.model()]))
    assert text == "Fine."
    assert script.requests[1].prefix == ""
    assert "A lie at once." in script.requests[1].draft


def test_a_held_short_answer_begins_anew() -> None:
    script = Script([SPOILT, GOOD])
    text, _ = read(Verifier([Lies()], [script.model()]), hold=200)
    assert text == GOOD
    assert script.requests[1].prefix == ""


def test_one_error_budget_for_all_attempts_then_the_next_model_goes_on() -> None:
    small, large = Script([SPOILT, "Fine so far. Another lie. X"]), Script(["And so it ends."])
    models = [small.model("small"), large.model("large")]
    text, outcome = read(Verifier([Lies()], models))
    assert text == "All is well. Fine so far. And so it ends."
    assert [a.action.value for a in outcome.attempts] == ["revise", "escalate", "accept"]
    assert large.requests[0].prefix == "All is well. Fine so far."


def test_what_nobody_gets_right_ends_and_is_held() -> None:
    text, outcome = read(Verifier([Lies()], [Script([SPOILT, "A lie. Again."]).model()]))
    assert text == "All is well."
    assert outcome.action is Action.HOLD
    assert outcome.answer is None


def test_a_model_that_fails_is_followed_by_the_next() -> None:
    models = [Script([ValueError("down")]).model("small"), Script([GOOD]).model("large")]
    text, outcome = read(Verifier([Lies()], models))
    assert text == GOOD
    assert outcome.errors == ("ValueError: down",)


def test_a_failing_detector_lets_nothing_through() -> None:
    @dataclass
    class Broken:
        name: str = "broken"

        def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding]:
            raise RuntimeError("no")

    text, outcome = read(Verifier([Broken()], [Script([GOOD]).model()]))
    assert text == ""
    assert outcome.action is Action.HOLD


def test_a_model_without_a_stream_is_asked() -> None:
    text, outcome = read(Verifier([Lies()], [lambda request: GOOD]))
    assert text == outcome.answer == GOOD


def test_an_empty_answer_is_examined() -> None:
    lies = Lies()
    text, outcome = read(Verifier([lies], [Script([""]).model()]))
    assert (text, outcome.answer, lies.passed) == ("", "", [""])


def test_a_rate_limit_is_waited_out() -> None:
    busy = RuntimeError("slow down")
    busy.retry_after = 0.01  # type: ignore[attr-defined]
    text, outcome = read(Verifier([Lies()], [Script([busy, GOOD]).model()]))
    assert text == GOOD
    assert outcome.errors == ("RuntimeError: slow down",)


def test_a_budget_ends_it() -> None:
    policy = Policy(revisions=9, budget=Budget(attempts=1))
    text, outcome = read(Verifier([Lies()], [Script([SPOILT, GOOD]).model()], policy))
    assert text == "All is well."
    assert "not asked: the budget of 1 attempts is spent" in outcome.errors


def test_a_reader_who_leaves_is_recorded() -> None:
    script, store = Script([GOOD]), Kept([])
    stream = Verifier([Lies()], [script.model()], store=store).stream("?")
    assert next(stream) == "All is well."
    stream.close()
    [outcome] = store.outcomes
    assert outcome.interrupted == "interrupted by GeneratorExit"
    assert outcome.attempts[0].error == "broken off"
    assert script.closed == 1


def test_a_stream_that_nobody_reads_asks_nobody() -> None:
    script, store = Script([GOOD]), Kept([])
    Verifier([Lies()], [script.model()], store=store).stream("?").close()
    assert (script.requests, store.outcomes) == ([], [])


async def test_async_streams_share_the_logic() -> None:
    script = Script([SPOILT, " All is true now."])
    model = Model("m", lambda request: "", stream=script.astream)
    stream = Verifier([Lies()], [model]).astream("?")
    assert [text async for text in stream] == ["All is well.", " All is true now."]
    assert stream.outcome is not None
    assert stream.outcome.answer == "All is well. All is true now."
    assert script.closed == 2


async def test_a_synchronous_stream_can_be_awaited() -> None:
    stream = Verifier([Lies()], [Script([GOOD]).model()]).astream("?")
    assert "".join([text async for text in stream]) == GOOD


async def test_a_cancelled_stream_is_recorded() -> None:
    async def endless(request: Request) -> AsyncIterator[str]:
        yield "All is well. And "
        await asyncio.sleep(60)

    store = Kept([])
    model = Model("m", lambda request: "", stream=endless)
    stream = Verifier([Lies()], [model], store=store).astream("?")

    async def consume() -> None:
        async for _ in stream:
            pass

    task = asyncio.ensure_future(consume())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.outcomes[0].interrupted == "interrupted by CancelledError"


async def test_a_stream_that_stalls_is_not_waited_for() -> None:
    async def stalled(request: Request) -> AsyncIterator[str]:
        yield "All is well. And "
        await asyncio.sleep(60)

    model = Model("m", lambda request: "", stream=stalled)
    policy = Policy(budget=Budget(seconds=0.3))
    stream = Verifier([Lies()], [model], policy).astream("?")
    assert [text async for text in stream] == ["All is well."]
    assert stream.outcome is not None
    assert "nothing within" in stream.outcome.errors[0]


def test_an_async_stream_needs_astream() -> None:
    model = Model("m", lambda request: "", stream=Script([GOOD]).astream)
    text, outcome = read(Verifier([Lies()], [model]))
    assert text == ""
    assert "is asynchronous" in outcome.errors[0]


def test_a_gate_for_a_stream_that_is_driven_elsewhere() -> None:
    store = Kept([])
    gate = Verifier([Lies()], store=store).gate("?")
    assert gate.feed("All is well. And so ") == "All is well."
    assert gate.open
    assert gate.flush() == " And so "
    assert not gate.open
    assert store.outcomes[0].action is Action.ACCEPT


def test_a_gate_closes_at_the_first_fault() -> None:
    store = Kept([])
    gate = Verifier([Lies()], store=store).gate("?")
    assert gate.feed(SPOILT) == "All is well."
    assert not gate.open
    assert (gate.feed("more. And more."), gate.flush()) == ("", "")
    assert store.outcomes[0].action is Action.HOLD


def test_a_gate_whose_stream_broke_off() -> None:
    gate = Verifier([Lies()]).gate("?")
    gate.feed("All is well. And so ")
    gate.fail("connection lost")
    assert gate.outcome is not None
    assert gate.outcome.action is not Action.ACCEPT
    assert gate.outcome.errors == ("connection lost",)


PARTS = st.sampled_from(
    ["All is well.", " Dr. Wu", " lie", " a lie.", "\n- item", " 3.5 m", " It is.", "。", " so"]
)
ANSWERS = st.lists(st.lists(PARTS, max_size=12).map("".join), min_size=4, max_size=4)


@given(ANSWERS, st.integers(1, 40), st.sampled_from([0, 30, 1_000]), st.integers(0, 3))
def test_no_character_is_shown_that_has_not_passed(
    answers: list[str], size: int, hold: int, revisions: int
) -> None:
    lies = Lies()
    model = Script(answers, size).model()
    stream = Verifier([lies], [model], Policy(revisions=revisions)).stream("?", hold=hold)
    shown = ""
    for text in stream:
        shown += text
        assert shown in lies.passed  # the very text that the reader has was examined and passed
    assert "lie" not in shown
    assert stream.outcome is not None
    if stream.outcome.action is Action.ACCEPT:
        assert stream.outcome.answer == shown


@given(ANSWERS, st.lists(st.integers(0, 200)))
def test_a_gate_lets_through_the_same_whatever_the_chunks(
    answers: list[str], cuts: list[int]
) -> None:
    text = "".join(answers)
    at = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    found = []
    for chunks in ([text], [text[a:b] for a, b in pairwise(at)]):
        gate = Verifier([Lies()]).gate("?")
        found.append("".join([*map(gate.feed, chunks), gate.flush()]))
    assert found[0] == found[1]
    assert text.startswith(found[0])
