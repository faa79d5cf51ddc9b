"""Reports count what was recorded, on every database alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer import Action, Outcome
from trustlayer.audit import AuditStore, reports
from trustlayer.audit.spreads import quantiles

Run = Callable[..., Outcome]

NOON = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture
def some(store: AuditStore, run: Run) -> list[Outcome]:
    """Accepted at once, after a revision, after the next model; held; unexamined; one old."""
    made = [
        run("France."),
        run("France!", "France."),
        run("France!", "France!", "France."),
        run("France!", "France!", "France!", "France!"),
        run("France?", "France?"),
        run("France."),
    ]
    hours = [0, 1, 1, 2, 30, -24 * 400]
    made = [
        _dear(replace(o, started=NOON + timedelta(hours=h)))
        for o, h in zip(made, hours, strict=True)
    ]
    store.record(*made)
    return made


def _dear(outcome: Outcome) -> Outcome:
    attempts = [
        replace(a, tokens_in=10, tokens_out=2, cost=0.5, seconds_asking=0.25)
        for a in outcome.attempts
    ]
    return replace(outcome, attempts=tuple(attempts))


def _attempts(outcomes: list[Outcome]) -> int:
    return sum(len(o.attempts) for o in outcomes)


def test_nothing_to_report(store: AuditStore) -> None:
    assert reports.totals(store) == reports.Totals(
        outcomes=0, accepted=0, interrupted=0, attempts=0, tokens_in=0, tokens_out=0, cost=0.0,
        mean_seconds=None, first=None, last=None,
    )  # fmt: skip
    for report in (
        reports.by_action, reports.by_model, reports.by_template, reports.by_detector,
        reports.over_time, reports.risk_spreads, reports.unexamined, reports.timings,
    ):  # fmt: skip
        assert report(store) == []
    assert reports.lines(store) == []
    assert reports.risks(store) == {}
    assert reports.gains(store).risk_before is None


def test_totals(store: AuditStore, some: list[Outcome]) -> None:
    found = reports.totals(store)
    assert (found.outcomes, found.accepted, found.interrupted) == (6, 4, 0)
    assert found.attempts == _attempts(some)
    assert (found.tokens_in, found.tokens_out) == (10 * found.attempts, 2 * found.attempts)
    assert found.cost == pytest.approx(0.5 * found.attempts)
    assert found.mean_seconds == pytest.approx(fmean(o.seconds for o in some))
    assert (found.first, found.last) == (some[-1].started, some[-2].started)
    recent = reports.totals(store, NOON)
    assert (recent.outcomes, recent.attempts) == (5, _attempts(some[:-1]))
    assert recent.first == NOON


def test_by_action(store: AuditStore, some: list[Outcome]) -> None:
    assert reports.by_action(store) == [
        reports.ActionReport(Action.ACCEPT, 4, 4 / 6),
        reports.ActionReport(Action.HOLD, 2, 2 / 6),
    ]
    assert [r.outcomes for r in reports.by_action(store, NOON)] == [3, 2]


def test_by_model(store: AuditStore, some: list[Outcome]) -> None:
    small, large = reversed(reports.by_model(store))
    tries = Counter(a.model for o in some for a in o.attempts)
    assert (large.model, small.model) == ("large", "small")
    assert (small.attempts, large.attempts) == (tries["small"], tries["large"])
    assert (small.accepted, large.accepted, small.failed) == (3, 1, 0)
    assert small.accepted_share == 3 / tries["small"]
    assert small.tokens_in == 10 * tries["small"]
    assert small.mean_seconds == 0.25
    assert 0 < (small.mean_risk or 0) < 1
    assert sum(m.attempts for m in reports.by_model(store, NOON)) == _attempts(some[:-1])


def test_a_model_without_an_answer_counts_as_failed(store: AuditStore, run: Run) -> None:
    outcome = run()
    failed = replace(outcome.attempts[0], verdict=None, model=None, error="TimeoutError")
    store.record(replace(outcome, attempts=(failed,), action=Action.REFUSE))
    [found] = reports.by_model(store)
    assert (found.model, found.failed, found.accepted, found.mean_risk) == (None, 1, 0, None)


def test_by_detector(store: AuditStore, some: list[Outcome]) -> None:
    picky, shouting = reports.by_detector(store)
    assert (picky.name, shouting.name, shouting.version) == ("_picky", "_shouting", "0")
    risks = [v.findings["_shouting"].risk for o in some for v in o.verdicts]
    assert (shouting.examined, shouting.unexamined) == (len(risks), 0)
    assert shouting.over_limit == sum(risk > 0.5 for risk in risks)
    assert shouting.mean_risk == pytest.approx(fmean(risks))
    assert (shouting.median_risk, shouting.p99_risk) == (0.9, 0.9)
    unexamined = sum(len(v.unexamined) for o in some for v in o.verdicts)
    assert picky.unexamined == unexamined > 0
    assert picky.unexamined_share == unexamined / len(risks)
    assert (shouting.mean_seconds or 0) > 0
    assert reports.by_detector(store, NOON)[1].examined == len(risks) - 1


def test_risks(store: AuditStore, some: list[Outcome]) -> None:
    found = reports.risks(store, bars=4)
    assert [bar.start for bar in found["_shouting"]] == [0.0, 0.25, 0.5, 0.75]
    assert [bar.findings > 0 for bar in found["_shouting"]] == [True, False, False, True]
    assert sum(b.findings for b in found["_shouting"]) == sum(len(o.verdicts) for o in some)


def test_over_time(store: AuditStore, some: list[Outcome]) -> None:
    hours = reports.over_time(store, NOON, reports.Every.HOUR)
    assert [(p.start.hour, p.outcomes, p.accepted, p.held, p.refused) for p in hours] == [
        (12, 1, 1, 0, 0),
        (13, 2, 2, 0, 0),
        (14, 1, 0, 1, 0),
        (18, 1, 0, 1, 0),
    ]
    days = reports.over_time(store)
    assert [p.start for p in days[1:]] == [datetime(2026, 3, n, tzinfo=UTC) for n in (1, 2)]
    assert sum(p.outcomes for p in days) == len(some)


def test_a_moment_before_midnight_belongs_to_the_day_that_ends(store: AuditStore, run: Run) -> None:
    late = datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC)
    store.record(replace(run(), started=late))
    assert reports.over_time(store)[0].start.day == 1


def test_gains(store: AuditStore, some: list[Outcome]) -> None:
    found = reports.gains(store)
    assert (found.first, found.revised, found.escalated, found.lost) == (2, 1, 1, 2)
    assert found.revisions == sum(a.request.advice != "" for o in some for a in o.attempts)
    assert (found.better_revisions, found.better_escalations) == (1, 1)
    several = [o for o in some if len(o.verdicts) > 1]
    assert found.risk_before == pytest.approx(fmean(o.verdicts[0].risk for o in several))
    kept = [min(a.verdict.risk for a in o.attempts if a.kept and a.verdict) for o in several]
    assert found.risk_after == pytest.approx(fmean(kept))
    assert found.extra_cost == pytest.approx(0.5 * (_attempts(some) - len(some)))
    assert found.extra_seconds == pytest.approx(0.25 * (_attempts(some) - len(some)))
    assert reports.gains(store, NOON).first == 1


def test_lines(store: AuditStore, some: list[Outcome], run: Run) -> None:
    run("France.", prompt="Where? " * 100, store=store)
    newest, old, *others = reports.lines(store)
    assert newest.prompt == ("Where? " * 100)[:200]
    assert (old.id, old.attempts, old.model, old.risk) == (some[-1].id, 1, "small", 0.125)
    assert [line.id for line in others] == [o.id for o in reversed(some[:-1])]
    assert [o.action for o in reports.lines(store, action=Action.HOLD)] == [Action.HOLD] * 2
    assert len(reports.lines(store, NOON, limit=3)) == 3
    assert reports.lines(store, limit=1) == [newest]


@given(st.dictionaries(st.floats(0, 1), st.integers(1, 9), min_size=1), st.floats(0, 1))
def test_quantiles(counts: dict[float, int], share: float) -> None:
    [found] = quantiles(counts, [share])
    assert found is not None
    total = sum(counts.values())
    assert sum(n for value, n in counts.items() if value <= found) >= share * total
    assert sum(n for value, n in counts.items() if value < found) <= share * total
