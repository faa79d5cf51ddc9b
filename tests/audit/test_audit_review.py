"""Held answers: claimed by one at a time, decided once, labelled, searched, waited for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from trustlayer import Action, Outcome, Span
from trustlayer.audit import AuditStore, review
from trustlayer.audit.labels import Label, labels, record_label
from trustlayer.audit.places import place
from trustlayer.audit.queue import aawait_decision, await_decision, queue
from trustlayer.audit.review import Choice, Decision, Ruling
from trustlayer.audit.searching import Search, detectors, search
from trustlayer.audit.verification import verify
from trustlayer.errors import AlreadyClaimed, AlreadyDecided, NotHeld, UnknownOutcome

Run = Callable[..., Outcome]
BAD = ("So rude!", "Still rude!", "Rude! Rude!", "No!")


@pytest.fixture
def hold(run: Run, store: AuditStore) -> Callable[..., Outcome]:
    def go(prompt: str = "Where is Paris?") -> Outcome:
        outcome = run(*BAD, prompt=prompt, store=store)
        assert outcome.action is Action.HOLD
        return outcome

    return go


Hold = Callable[..., Outcome]


def test_a_claim_keeps_others_away_until_it_expires(store: AuditStore, hold: Hold) -> None:
    id = hold().id
    assert review.claim_on(store, id) is None
    mine = review.claim(store, id, "ann", seconds=100)
    assert review.claim(store, id, "ann", seconds=100) == mine  # not worth a row
    longer = review.claim(store, id, "ann", seconds=1000)
    assert longer.expires > mine.expires
    assert review.claim_on(store, id) == longer
    for attempt in (
        lambda: review.claim(store, id, "ben"),
        lambda: review.decide(store, id, "ben", Ruling(Choice.APPROVE)),
    ):
        with pytest.raises(AlreadyClaimed, match=f"ann is looking at {id}, until"):
            attempt()
    other = hold().id
    review.claim(store, other, "ann", seconds=-1)
    assert review.claim_on(store, other) is None
    assert review.claim(store, other, "ben").who == "ben"
    assert list(verify(store)) == []


@pytest.mark.parametrize(
    ("ruling", "bad"),
    [
        (Ruling(Choice.APPROVE, reason="fine"), False),
        (Ruling(Choice.EDIT, "Paris lies in France.", "was rude"), True),
        (Ruling(Choice.REJECT, reason="rude", spans=(Span(0, 7),)), True),
    ],
)
def test_a_decision_becomes_a_label(
    store: AuditStore, hold: Hold, ruling: Ruling, bad: bool
) -> None:
    outcome = hold()
    assert review.decision(store, outcome.id) is None
    assert review.waiting(store) == 1
    made = review.decide(store, outcome.id, "ann", ruling)
    assert outcome.best is not None
    handed = {Choice.APPROVE: outcome.best.exchange.answer, Choice.EDIT: ruling.answer}
    assert made.answer == handed.get(ruling.choice)
    assert (made.choice, made.who, made.reason) == (ruling.choice, "ann", ruling.reason)
    assert review.decision(store, outcome.id) == made
    [label] = labels(store, outcome.id)
    assert (label.bad, label.who, label.reason, label.spans) == (
        bad,
        "ann",
        ruling.reason,
        ruling.spans,
    )
    assert review.waiting(store) == 0
    assert queue(store).waiting == ()
    with pytest.raises(AlreadyDecided, match=f"ann has decided on {outcome.id} already"):
        review.decide(store, outcome.id, "ben", ruling)
    with pytest.raises(AlreadyDecided):
        review.claim(store, outcome.id, "ben")
    assert list(verify(store)) == []


def test_of_many_who_decide_at_once_one_does(store: AuditStore, hold: Hold) -> None:
    ids = [hold().id for _ in range(4)]
    barrier = threading.Barrier(8)

    def decide(who: int) -> list[str]:
        barrier.wait()
        return [id for id in ids if _decided(store, id, f"r{who}")]

    with ThreadPoolExecutor(8) as pool:
        won = [id for ids in pool.map(decide, range(8)) for id in ids]
    assert sorted(won) == sorted(ids)
    assert [len(labels(store, id)) for id in ids] == [1] * 4
    assert list(verify(store)) == []


def _decided(store: AuditStore, id: str, who: str) -> bool:
    try:
        review.decide(store, id, who, Ruling(Choice.REJECT))
    except (AlreadyClaimed, AlreadyDecided):
        return False
    return True


def test_who_waits_is_told(store: AuditStore, hold: Hold) -> None:
    first, second = hold().id, hold().id
    assert await_decision(store, first, 0) is None
    assert await_decision(store, first, 0.3) is None
    timer = threading.Timer(
        0.1, lambda: review.decide(store, first, "ann", Ruling(Choice.EDIT, "Politely."))
    )
    timer.start()
    found = await_decision(store, first, 30)
    timer.join()
    assert found is not None
    assert found.answer == "Politely."
    assert asyncio.run(_both(store, second)).choice is Choice.APPROVE


async def _both(store: AuditStore, id: str) -> Decision:
    waiting = asyncio.create_task(aawait_decision(store, id, 30))
    await asyncio.sleep(0)
    await asyncio.to_thread(review.decide, store, id, "ann", Ruling(Choice.APPROVE))
    found = await waiting
    assert found is not None
    return found


def test_what_cannot_be_decided(store: AuditStore, run: Run) -> None:
    accepted = run(store=store).id
    for error, id in ((NotHeld, accepted), (UnknownOutcome, "nothing")):
        with pytest.raises(error):
            review.decide(store, id, "ann", Ruling(Choice.APPROVE))
        with pytest.raises(error):
            review.claim(store, id, "ann")
        with pytest.raises(error):
            await_decision(store, id, 0)
    assert review.claim_on(store, "nothing") is None
    assert review.decision(store, "nothing") is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"choice": Choice.EDIT}, "an edit needs the corrected answer"),
        ({"choice": Choice.EDIT, "answer": " \n"}, "an edit needs the corrected answer"),
        ({"choice": Choice.REJECT, "answer": "x"}, "an answer belongs to an edit"),
        ({"choice": Choice.APPROVE, "spans": (Span(0, 1),)}, "no bad spans"),
    ],
)
def test_rulings_that_make_no_sense(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ruling(**given)  # type: ignore[arg-type]


def test_the_queue_is_in_order_and_in_pages(store: AuditStore, hold: Hold) -> None:
    ids = [hold(f"Question {n}?").id for n in range(5)]
    review.claim(store, ids[1], "ann")
    first = queue(store, limit=2)
    rest = queue(store, after=first.after, limit=9)
    waiting = [*first.waiting, *rest.waiting]
    assert [w.line.id for w in waiting] == ids
    assert [w.claim and w.claim.who for w in waiting] == [None, "ann", None, None, None]
    assert rest.after is None


def test_search(store: AuditStore, run: Run, hold: Hold) -> None:
    fine, held = run(store=store, prompt="50% of_it?"), hold("Umlaut \u00e4, NUL \x00?")
    every = [held.id, fine.id]

    def found(**wanted: object) -> list[str]:
        return [line.id for line in search(store, Search(**wanted)).lines]  # type: ignore[arg-type]

    assert found() == every
    assert found(text="50% OF_") == [fine.id]
    assert found(text="5% of") == []
    assert found(text="NUL \x00") == [held.id]
    assert found(text="so rude") == [held.id]
    assert found(action=Action.ACCEPT) == [fine.id]
    assert found(model="LARGE") == [held.id]
    assert found(detector="_shouting", risk_from=0.5) == [held.id]
    assert found(detector="_picky", risk_from=0.5) == []
    assert found(risk_to=0.3) == [fine.id]
    now = datetime.now(UTC)
    assert found(since=now - timedelta(hours=1), until=now + timedelta(hours=1)) == every
    assert found(since=now + timedelta(hours=1)) == []
    assert detectors(store) == ["_picky", "_shouting"]


def test_search_goes_on_where_a_page_ends(
    store: AuditStore, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [run(store=store, prompt=f"needle {n}" if n < 2 else "hay").id for n in range(6)]
    page = search(store, Search(), limit=4)
    assert [line.id for line in page.lines] == ids[:1:-1]
    assert [line.id for line in search(store, Search(), after=page.after).lines] == ids[1::-1]
    monkeypatch.setattr("trustlayer.audit.searching.TEXT_REACH", 3)
    empty = search(store, Search(text="needle"))
    assert empty.lines == ()
    assert empty.reached is not None
    rest = search(store, Search(text="needle"), after=empty.after)
    assert [line.id for line in rest.lines] == ids[1::-1]


def test_the_place_of_an_outcome(store: AuditStore, run: Run) -> None:
    first, second = run(store=store), run(store=store)
    record_label(store, Label(first.id, 0, True, "ann"))
    third = run(store=store)
    places = [place(store, one.id) for one in (first, second, third)]
    assert all(found.flaws == () for found in places)
    assert [found.sequence for found in places] == [1, 2, 4]
    assert places[1].before == places[0].hash
    assert places[0].length == 4
    with pytest.raises(UnknownOutcome):
        place(store, "nothing")


def test_the_place_tells_of_a_change(store: AuditStore, run: Run) -> None:
    outcome = run(store=store)
    with store.transaction() as connection:
        if connection.dialect.name == "sqlite":
            names = connection.scalars(
                text("SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='outcomes'")
            )
            for name in names.all():
                connection.execute(text(f'DROP TRIGGER "{name}"'))
        else:
            connection.execute(text("ALTER TABLE outcomes DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE outcomes SET action = 'refuse'"))
    assert any("was changed" in flaw for flaw in place(store, outcome.id).flaws)
