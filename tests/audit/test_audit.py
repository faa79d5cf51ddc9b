"""What is recorded comes back as it was, and only once."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from multiprocessing import get_context
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from trustlayer import (
    Action,
    Attempt,
    Evidence,
    Exchange,
    Finding,
    Outcome,
    Request,
    Span,
    Token,
    Unexamined,
    Verdict,
    Verifier,
    detector,
)
from trustlayer.audit import AuditStore
from trustlayer.audit.certificates import certificates as certificates_of
from trustlayer.audit.certificates import put_certificate
from trustlayer.audit.columns import escape, unescape
from trustlayer.audit.sealing import Keys
from trustlayer.audit.tables import Base
from trustlayer.audit.texts import Form, Texts
from trustlayer.audit.verification import verify
from trustlayer.certificate import Bound, Certificate
from trustlayer.errors import OutcomeConflict, StoreUnavailable, UnknownOutcome
from trustlayer.outcome import DetectorRecord

Run = Callable[..., Outcome]

texts = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(
    ["", "\0", "\ud800", "\udfff\ud800", "\ufdd0", "\ufdd00000", "\u202eabc", "\x1b[2J", "é\u0301"]
)
names = st.sampled_from(["figures", "grounding", "\ud800"]) | texts
amounts = st.floats(0, 1e9)
shares = st.floats(0, 1)
counts = st.none() | st.integers(0, 2**62)
tuples = st.lists(texts, max_size=3).map(tuple)
spans = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda p: Span(min(p), max(p)))
evidence = st.builds(Evidence, texts, st.none() | spans)
findings = st.builds(Finding, shares, st.lists(evidence, max_size=3).map(tuple))
logprobs = st.none() | st.lists(st.floats(max_value=0), max_size=4).map(tuple)
requests = st.builds(Request, texts, tuples, texts, texts, texts)
numbers = st.lists(st.floats(max_value=0), max_size=3).map(tuple)
tokens = st.lists(st.builds(Token, texts, st.floats(max_value=0), numbers), max_size=3).map(tuple)
exchanges = st.builds(Exchange, texts, texts, tuples, tuples, logprobs, tokens)
sampled = st.lists(st.tuples(texts, numbers), min_size=1, max_size=3)
exchanges |= st.builds(
    lambda said, found: replace(
        said, samples=tuple(t for t, _ in found), sample_logprobs=tuple(n for _, n in found)
    ),
    exchanges,
    sampled,
)
bounds = st.builds(
    lambda limits: Bound(limits=limits, accepted=9, bad=1, calibration=20, tuning=10),
    st.dictionaries(names, shares, max_size=2),
)
certificates = st.builds(
    lambda bounds, data, risk: Certificate(
        risk=risk,
        confidence=0.9,
        detectors={"figures": "1"},
        bounds=bounds,
        data=data,
        labels=30,
        bad=3,
        created=datetime(2026, 1, 1, tzinfo=UTC),
    ),
    st.dictionaries(names, bounds, max_size=2),
    texts,
    shares,
)
verdicts = st.builds(
    Verdict,
    exchanges,
    st.dictionaries(names, findings, max_size=3),
    st.lists(st.builds(Unexamined, names, texts), max_size=3).map(tuple),
    st.sampled_from(Action),
    shares,
)
attempts = st.builds(
    Attempt,
    st.none() | texts,
    requests,
    st.none() | verdicts,
    st.sampled_from(Action),
    st.booleans(),
    st.none() | texts,
    amounts,
    st.dictionaries(names, amounts, max_size=3),
    counts,
    counts,
    st.none() | amounts,
)
moments = st.datetimes(
    datetime(1971, 1, 1),
    datetime(2200, 1, 1),
    timezones=st.integers(-840, 840).map(lambda m: timezone(timedelta(minutes=m))),
)
outcomes = st.builds(
    Outcome,
    st.just(""),
    moments,
    amounts,
    texts,
    tuples,
    st.lists(attempts, max_size=3).map(tuple),
    st.sampled_from(Action),
    texts,
    st.lists(
        st.builds(DetectorRecord, names, texts, texts, st.none() | shares),
        max_size=3,
        unique_by=lambda d: d.name,
    ).map(tuple),
    st.dictionaries(texts | st.just("template"), texts, max_size=3),
    st.none() | texts,
    st.none() | certificates,
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest) -> Iterator[AuditStore]:
    lite = request.param == "sqlite"
    url = "sqlite://" if lite else request.getfixturevalue("postgres").database()
    with AuditStore.create(url) as store:
        yield store


@given(outcome=outcomes)
def test_an_outcome_comes_back_exactly(shared: AuditStore, outcome: Outcome) -> None:
    outcome = replace(outcome, id=str(uuid4()))  # hypothesis would repeat its own
    shared.record(outcome)
    found = shared.outcome(outcome.id)
    assert found == outcome
    assert found.started.tzinfo is UTC
    assert found.answer == outcome.answer
    if outcome.certificate is not None:
        assert outcome.certificate in certificates_of(shared)


@given(texts)
def test_escaping_loses_nothing_and_holds_nothing_unstorable(text: str) -> None:
    assert unescape(escape(text)) == text
    assert "\0" not in escape(text)
    escape(text).encode("utf-8")


def test_ordinary_text_is_stored_as_it_is() -> None:
    text = "C:\\temp \\u0000 %00 éß日本 😀 \t\r\n"
    assert escape(text) == text


def test_ten_megabytes_come_back(store: AuditStore, run: Run) -> None:
    answer = "In Paris. " * 1_000_000 + "\0\ud800"
    outcome = run(answer, store=store)
    assert outcome.answer == answer
    assert store.outcome(outcome.id) == outcome


@pytest.mark.parametrize("form", Form)
def test_ten_megabytes_are_kept_in_every_form(tmp_path: Path, run: Run, form: Form) -> None:
    pytest.importorskip("cryptography")
    kept, keys = Texts(form, None, b"k" * 32), Keys((b"1" * 32,))
    with AuditStore.create(f"sqlite:///{tmp_path}/a.db", texts=kept, keys=keys) as store:
        outcome = run("In Paris. " * 1_000_000 + "\0\ud800", store=store)
        found = store.outcome(outcome.id)
        assert found == kept.kept(outcome)
        assert list(verify(store)) == []


def test_a_certificate_is_kept_once_however_often_it_is_put(store: AuditStore, run: Run) -> None:
    bound = Bound(limits={"_shouting": 0.5}, accepted=9, bad=1, calibration=20, tuning=10)
    made = Certificate(
        risk=0.1,
        confidence=0.9,
        detectors={"_shouting": "0", "_picky": "0"},
        bounds={"": bound},
        data="sha256:1",
        labels=30,
        bad=3,
    )
    put_certificate(store, made)
    put_certificate(store, made)
    outcome = replace(run(), certificate=made)
    store.record(outcome, replace(outcome, id="another"))
    assert certificates_of(store) == [made]
    assert store.outcome("another").certificate == made
    assert list(verify(store)) == []


def test_attempts_errors_and_unexamined_come_back(store: AuditStore, run: Run) -> None:
    outcome = run("France!", "France?", "France!", "France.", store=store, ticket="T-1")
    assert len(outcome.attempts) > 2
    assert any(v.unexamined for v in outcome.verdicts)
    assert store.outcome(outcome.id) == outcome
    assert [d.limit for d in outcome.detectors] == [0.5, 0.5]


def test_an_interrupted_run_comes_back(store: AuditStore, run: Run) -> None:
    outcome = replace(run(), interrupted="KeyboardInterrupt", action=Action.REFUSE)
    store.record(outcome)
    assert store.outcome(outcome.id) == outcome


def test_recorded_twice_is_stored_once(store: AuditStore, run: Run) -> None:
    outcome = run()
    store.record(outcome, outcome)
    before = _rows(store)
    store.record(outcome)
    assert _rows(store) == before
    assert store.recent() == [outcome]


def test_another_outcome_under_the_same_id_is_refused(store: AuditStore, run: Run) -> None:
    outcome, other = run(), run()
    store.record(outcome)
    with pytest.raises(OutcomeConflict, match=outcome.id):
        store.record(other, replace(outcome, prompt="something else"))
    assert store.recent() == [outcome]  # all or none


@pytest.mark.parametrize("field", ["seconds", "cost"])
def test_what_is_no_number_is_refused(store: AuditStore, run: Run, field: str) -> None:
    outcome = run()
    odd = replace(outcome.attempts[0], cost=float("nan"))
    bad = {
        "seconds": replace(outcome, seconds=float("nan")),
        "cost": replace(outcome, attempts=(odd,)),
    }
    with pytest.raises(ValueError, match=f"{field} must be a number to be recorded, got NaN"):
        store.record(bad[field])


def test_a_time_without_a_zone_is_refused(store: AuditStore, run: Run) -> None:
    with pytest.raises(ValueError, match="started needs a time zone"):
        store.record(replace(run(), started=datetime(2026, 1, 1)))


def test_an_outcome_is_found_by_the_beginning_of_its_id(store: AuditStore, run: Run) -> None:
    made = [replace(run(), id=name) for name in ("abc", "abcd", "abd", "x\ud800y")]
    store.record(*made)
    assert store.outcome("abc").id == "abc"  # whole, although another begins so
    assert store.outcome("abcd").id == "abcd"
    assert store.outcome("x").id == "x\ud800y"
    assert store.outcome("x\ud800").id == "x\ud800y"
    with pytest.raises(UnknownOutcome, match="several outcomes begin with 'ab': abc, abcd, abd"):
        store.outcome("ab")
    with pytest.raises(UnknownOutcome, match="several outcomes"):
        store.outcome("")
    with pytest.raises(UnknownOutcome, match="no outcome 'zzz' is in the audit store") as caught:
        store.outcome("zzz")
    assert "trustlayer report --db" in caught.value.__notes__[0]


def test_recent_are_those_recorded_last_whatever_the_clock_says(
    store: AuditStore, run: Run
) -> None:
    first, second = run(), run()
    store.record(first)
    store.record(replace(second, started=first.started - timedelta(days=9)))
    assert [o.id for o in store.recent()] == [second.id, first.id]
    assert [o.id for o in store.recent(1)] == [second.id]


def test_outcomes_are_found_by_the_callers_own_ids(store: AuditStore, run: Run) -> None:
    one = run(store=store, ticket="T-1", user="ann")
    run(store=store, ticket="T-2")
    assert store.correlated("ticket", "T-1") == [one]
    assert store.correlated("user", "T-1") == []


def test_threads_lose_nothing(url: str, run: Run) -> None:
    made = [run(prompt=f"question {n}") for n in range(160)]
    with AuditStore.create(url) as store:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(store.record, made))
        assert {o.id for o in store.recent(1000)} == {o.id for o in made}


def test_one_bad_outcome_fails_alone(store: AuditStore, run: Run) -> None:
    known = run(store=store)
    good = [run() for _ in range(30)]
    bad = [replace(known, prompt=f"other {n}") for n in range(10)]
    mixed = [
        outcome for triple in zip(good[:10], bad, good[10:20], strict=True) for outcome in triple
    ]

    def record(outcome: Outcome) -> bool:
        try:
            store.record(outcome)
        except OutcomeConflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        fine = list(pool.map(record, mixed + good[20:]))
    assert fine == [o not in bad for o in mixed + good[20:]]
    assert {o.id for o in store.recent(100)} == {known.id, *(o.id for o in good)}


def _record_some(url: str, outcomes: list[Outcome]) -> None:
    with AuditStore.create(url) as store:
        for outcome in outcomes:
            store.record(outcome)


def test_processes_that_create_and_write_at_once_lose_nothing(url: str, run: Run) -> None:
    made = [run(prompt=f"question {n}") for n in range(60)]
    spawn = get_context("spawn")
    workers = [spawn.Process(target=_record_some, args=(url, made[n::3])) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    with AuditStore.open(url) as store:
        assert {o.id for o in store.recent(1000)} == {o.id for o in made}


@pytest.mark.skipif(sys.platform == "win32", reason="no fork there")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_writes_on_its_own_connections(store: AuditStore, run: Run) -> None:
    run(store=store)
    outcome = run()
    child = os.fork()
    if child == 0:
        try:
            store.record(outcome)
        except BaseException:
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    run(store=store)
    assert outcome in store.recent()


def test_a_closed_store_says_so(url: str, run: Run) -> None:
    with AuditStore.create(url) as store:
        pass
    with pytest.raises(StoreUnavailable, match="is closed"):
        store.record(run())


def test_asynchronous_runs_are_recorded(store: AuditStore) -> None:
    @detector
    def calm(exchange: Exchange) -> Finding:
        return Finding(0.0)

    async def model(text: str) -> str:
        await asyncio.sleep(0)
        return text.upper()

    async def many() -> list[Outcome]:
        verifier = Verifier([calm], [model], store=store)
        return await asyncio.gather(*(verifier.arun(f"q{n}") for n in range(20)))

    made = asyncio.run(many())
    assert sorted(o.id for o in store.recent(100)) == sorted(o.id for o in made)


def test_nothing_is_recorded_of_nothing(store: AuditStore) -> None:
    store.record()
    assert store.recent() == []


def _rows(store: AuditStore) -> dict[str, int | None]:
    with store.session() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table))
            for name, table in Base.metadata.tables.items()
        }
