"""Draws are logged, decisions are made once, and the later label wins."""

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
from trustlayer.audit.review import Choice, Decision, Ruling, claim, decide
from trustlayer.audit.verification import verify
from trustlayer.errors import AlreadyClaimed, AlreadyDecided, UnknownOutcome

Run = Callable[..., Outcome]


def _held(run: Run, store: AuditStore) -> str:
    return run("No!", "No!", "No!", "No!", store=store).id  # which no model gets right


def test_of_many_who_claim_and_decide_at_once_one_does(store: AuditStore, run: Run) -> None:
    outcomes = [_held(run, store) for _ in range(4)]

    def go(number: int) -> Decision | str:
        outcome, who = outcomes[number % 4], f"reviewer {number}"
        try:
            claim(store, outcome, who)
            return decide(store, outcome, who, Ruling(Choice.REJECT, reason=f"{number}"))
        except (AlreadyClaimed, AlreadyDecided) as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(go, range(32)))
    assert sorted(r.outcome for r in results if isinstance(r, Decision)) == sorted(outcomes)
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
