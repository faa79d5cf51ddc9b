"""All reports on the same outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from trustlayer.audit import reports
from trustlayer.audit.drift import TOLERATED
from trustlayer.audit.reports import Every, Scope
from trustlayer.audit.store import AuditStore

RECENT = 10  # outcomes that are listed one by one


@dataclass(frozen=True, slots=True)
class Book:
    """Every report, the scope that they are about, and when they were made.

    *every* is the period of what happened, *quality* that of what people say of it.
    """

    scope: Scope
    made: datetime
    every: Every
    quality: Every
    totals: reports.Totals
    gains: reports.Gains
    labelled_gains: reports.LabelledGains
    by_action: tuple[reports.ActionReport, ...]
    by_detector: tuple[reports.DetectorReport, ...]
    by_model: tuple[reports.ModelReport, ...]
    by_template: tuple[reports.TemplateReport, ...]
    over_time: tuple[reports.PeriodReport, ...]
    risks: tuple[reports.RiskReport, ...]
    unexamined: tuple[reports.UnexaminedReport, ...]
    timings: tuple[reports.TimingReport, ...]
    bad_rates: tuple[reports.RateReport, ...]
    calibrations: tuple[reports.CalibrationReport, ...]
    drift: reports.DriftReport
    recent: tuple[reports.OutcomeLine, ...]


def gather(
    store: AuditStore,
    scope: Scope = Scope(),  # noqa: B008  # frozen
    *,
    every: Every | None = None,
    tolerated: float = TOLERATED,
) -> Book:
    """Make every report; periods are as long as suits the time that the outcomes span."""
    totals = reports.totals(store, scope)
    span = _span(totals, scope)
    every = every or _period(span)
    quality = Every.WEEK if span <= timedelta(days=70) else Every.MONTH
    return Book(
        scope=scope,
        made=datetime.now(UTC),
        every=every,
        quality=quality,
        totals=totals,
        gains=reports.gains(store, scope),
        labelled_gains=reports.labelled_gains(store, scope),
        by_action=tuple(reports.by_action(store, scope)),
        by_detector=tuple(reports.by_detector(store, scope)),
        by_model=tuple(reports.by_model(store, scope)),
        by_template=tuple(reports.by_template(store, scope)),
        over_time=tuple(reports.over_time(store, scope, every)),
        risks=tuple(reports.risk_spreads(store, scope)),
        unexamined=tuple(reports.unexamined(store, scope)),
        timings=tuple(reports.timings(store, scope)),
        bad_rates=tuple(reports.bad_rates(store, scope, quality)),
        calibrations=tuple(reports.calibrations(store, scope, quality)),
        drift=reports.drift(store, scope, tolerated),
        recent=tuple(reports.lines(store, scope, limit=RECENT)),
    )


def _span(totals: reports.Totals, scope: Scope) -> timedelta:
    if totals.first is None or totals.last is None:
        return timedelta(0)
    begin = totals.first if scope.since is None else max(scope.since, totals.first)
    return totals.last - begin


def _period(span: timedelta) -> Every:
    if span <= timedelta(days=2):
        return Every.HOUR
    if span <= timedelta(days=100):
        return Every.DAY
    return Every.WEEK if span <= timedelta(days=700) else Every.MONTH
