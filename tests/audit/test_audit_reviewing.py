"""Held answers are claimed by one reviewer at a time, and decided on once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from trustlayer import Outcome
from trustlayer.audit import AuditStore
from trustlayer.audit.draws import Draw, draws, record_draws
from trustlayer.audit.labels import Label, labelled, labels, record_label
from trustlayer.audit.reviewing import (
    Claim,
    Decided,
    Decision,
    Word,
    claim,
    decide,
    decided,
    held,
    let_go,
)
from trustlayer.audit.verification import verify
from trustlayer.errors import AlreadyClaimed, AlreadyDecided, NotHeld, UnknownOutcome
from trustlayer.exchange import Span

Run = Callable[..., Outcome]

LOUD = ("No!",) * 4  # which no model gets right


def _held(run: Run, store: AuditStore) -> str:
    return run(*LOUD, store=store).id


def test_the_way_of_a_held_answer(store: AuditStore, run: Run) -> None:
    outcome = _held(run, store)
    run(store=store)  # accepted: nobody need look
    record_draws(store, [Draw(outcome, 0.25, "uniform")])
    assert [(h.outcome, h.claim) for h in held(store)] == [(outcome, None)]
    mine = claim(store, outcome, "ann")
    assert [h.claim for h in held(store)] == [mine]
    made = decide(store, mine, Decision(Word.EDIT, "too loud", "No.", (Span(2, 3),)))
    assert held(store) == []
    [label] = labels(store, outcome)
    assert label == Label(outcome, 0, True, "ann", "too loud", (Span(2, 3),), 0.25)
    found = decided(store, outcome)
    assert found is not None
    assert (found.decision.answer, found.who, found.when) == ("No.", "ann", made.when)
    assert found.label == made.label
    assert list(verify(store)) == []
    with pytest.raises(AlreadyDecided, match="edit by ann"):
        decide(store, mine, Decision(Word.APPROVE))
    with pytest.raises(AlreadyDecided, match="edit by ann"):
        claim(store, outcome, "bob")


def test_a_claim_keeps_others_out_until_it_expires(store: AuditStore, run: Run) -> None:
    outcome, now = _held(run, store), datetime.now(UTC)
    mine = claim(store, outcome, "ann", seconds=60, now=now)
    with pytest.raises(AlreadyClaimed, match="claimed by ann until"):
        claim(store, outcome, "bob", now=now + timedelta(seconds=59))
    renewed = claim(store, outcome, "ann", seconds=60, now=now + timedelta(seconds=59))
    assert (renewed.turn, renewed.expires) == (2, now + timedelta(seconds=119))
    theirs = claim(store, outcome, "bob", now=now + timedelta(seconds=120))
    with pytest.raises(AlreadyClaimed, match="claimed by bob"):
        decide(store, mine, Decision(Word.REJECT))
    assert decide(store, theirs, Decision(Word.REJECT)).who == "bob"
    assert [label.bad for label in labels(store, outcome)] == [True]


def test_who_comes_late_but_alone_may_still_decide(store: AuditStore, run: Run) -> None:
    outcome = _held(run, store)
    mine = claim(store, outcome, "ann", now=datetime.now(UTC) - timedelta(days=1))
    assert [h.claim for h in held(store)] == [None]
    decide(store, mine, Decision(Word.APPROVE))
    assert [label.bad for label in labels(store, outcome)] == [False]


def test_a_claim_can_be_let_go(store: AuditStore, run: Run) -> None:
    outcome = _held(run, store)
    mine = claim(store, outcome, "ann")
    let_go(store, mine)
    let_go(store, mine)  # which it is already
    assert claim(store, outcome, "bob").turn == 3


def test_what_cannot_be_claimed_or_decided(store: AuditStore, run: Run) -> None:
    accepted, outcome = run(store=store).id, _held(run, store)
    with pytest.raises(NotHeld, match="its action is accept"):
        claim(store, accepted, "ann")
    with pytest.raises(UnknownOutcome):
        claim(store, "none", "ann")
    with pytest.raises(ValueError, match="more than 0 seconds"):
        claim(store, outcome, "ann", seconds=0)
    with pytest.raises(NotHeld, match="nobody claimed"):
        decide(store, Claim("x", outcome, "ann", 1, datetime.now(UTC)), Decision(Word.REJECT))
    with pytest.raises(UnknownOutcome, match="no answer 9"):
        decide(store, claim(store, outcome, "ann"), Decision(Word.REJECT, attempt=9))
    assert decided(store, outcome) is None
    assert labels(store, outcome) == []


@pytest.mark.parametrize(
    ("word", "answer", "spans"),
    [(Word.EDIT, None, None), (Word.REJECT, "x", None), (Word.APPROVE, None, (Span(0, 1),))],
)
def test_nonsensical_decisions(
    word: Word, answer: str | None, spans: tuple[Span, ...] | None
) -> None:
    with pytest.raises(ValueError, match=r"an edit needs|an approved answer"):
        Decision(word, "", answer, spans)


def test_of_many_who_claim_and_decide_at_once_one_does(store: AuditStore, run: Run) -> None:
    outcomes = [_held(run, store) for _ in range(4)]

    def go(number: int) -> Decided | str:
        outcome = outcomes[number % 4]
        try:
            mine = claim(store, outcome, f"reviewer {number}")
            return decide(store, mine, Decision(Word.REJECT, f"{number}"))
        except (AlreadyClaimed, AlreadyDecided) as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(go, range(32)))
    assert sorted(r.outcome for r in results if isinstance(r, Decided)) == sorted(outcomes)
    assert [len(labels(store, outcome)) for outcome in outcomes] == [1] * 4
    assert list(verify(store)) == []


def test_the_later_label_wins_whatever_the_clock_says(
    store: AuditStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = _held(run, store)

    times = (datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=n) for n in count())

    class Backwards:
        @staticmethod
        def now(_: object) -> datetime:
            return next(times)

    monkeypatch.setattr("trustlayer.audit.chains.datetime", Backwards)
    for who, bad in (("ann", True), ("bob", False), ("cid", True), ("dan", False)):
        record_label(store, Label(outcome, 0, bad, who))
    assert [label.who for label in labels(store, outcome)] == ["ann", "bob", "cid", "dan"]
    assert [found.label.who for found in labelled(store)] == ["dan"]
    assert list(verify(store)) == []


def test_draws_are_logged(store: AuditStore, run: Run) -> None:
    one, other = run(store=store).id, run(store=store).id
    record_draws(store, [Draw(one, 0.5, "risk"), Draw(other, 1.0, "risk")])
    record_draws(store, [Draw(one, 0.125, "uniform")])
    assert [(d.outcome, d.propensity, d.design) for d in draws(store)] == [
        (one, 0.5, "risk"),
        (other, 1.0, "risk"),
        (one, 0.125, "uniform"),
    ]
    assert [d.propensity for d in draws(store, one)] == [0.5, 0.125]
    with pytest.raises(UnknownOutcome):
        record_draws(store, [Draw(one, 0.5, "risk"), Draw("none", 0.5, "risk")])
    assert len(draws(store)) == 3
    with pytest.raises(ValueError, match=r"propensity must lie in \(0, 1\]"):
        Draw(one, 0.0, "risk")
