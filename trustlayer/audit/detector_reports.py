"""What the audit store tells of detectors: how often they spoke up, how loud, and why not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from trustlayer.audit import scope as scopes
from trustlayer.audit.facts import facts, total
from trustlayer.audit.scope import Scope
from trustlayer.audit.spreads import Bar, Counts, Measure, bars, quantiles, spreads, together
from trustlayer.audit.store import AuditStore
from trustlayer.audit.summary_tables import finding_days, unexamined_days
from trustlayer.audit.tables import DetectorRow

Version = tuple[str, str | None]  # of a detector: its name, and its version where known


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """One version of a detector over all attempts that it was to examine.

    *over_limit* counts risks above the limit then in force, *median_risk*, *p90_risk* and
    *p99_risk* are quantiles, to a hundredth. *version* is None where only a name is known.
    """

    name: str
    version: str | None
    examined: int
    over_limit: int
    unexamined: int
    unexamined_share: float
    mean_risk: float | None
    median_risk: float | None
    p90_risk: float | None
    p99_risk: float | None
    mean_seconds: float | None


@dataclass(frozen=True, slots=True)
class RiskReport:
    """How risks are spread: those that a detector found, or those of a model's answers.

    *kind* is ``"detector"``, ``"model"`` or ``"template"``; a name of None is no model, that is
    a given answer, or no template. The risk of an answer is on the policy's scale, on which the
    limit lies at 0.5; that of a detector is its own.
    """

    kind: str
    name: str | None
    risks: int
    median: float | None
    p90: float | None
    p99: float | None
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class UnexaminedReport:
    """How often a detector could not examine an answer for that kind of reason.

    *share* is of all that it was to examine, whatever the reason.
    """

    name: str
    reason: str
    findings: int
    share: float


def by_detector(store: AuditStore, scope: Scope | datetime | None = None) -> list[DetectorReport]:
    """Findings by detector and version, in the order of their names."""
    scope = scopes.of(scope)
    with store.snapshot() as session:
        versions = _versions(session)
        rows = _sums(session, scope)
    spread = spreads(store, scope, Measure.RISK, "detector")
    counts: dict[Version, list[Counts]] = defaultdict(list)
    for key, values in spread.items():
        counts[versions[key.detector]].append(values)
    sums: dict[Version, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        for name, value in row.items():
            sums[versions[row["detector"]]][name] += float(value)
    return [
        _report(*version, sums[version], together(counts[version]))
        for version in sorted(sums, key=lambda key: (key[0], key[1] or ""))
    ]


def risks(
    store: AuditStore, scope: Scope | datetime | None = None, bars: int = 20
) -> dict[str, list[Bar]]:
    """How the risks that each detector found are distributed, over *bars* equal intervals."""
    found = risk_spreads(store, scope, number=bars)
    return {str(r.name): list(r.bars) for r in found if r.kind == "detector"}


def risk_spreads(
    store: AuditStore, scope: Scope | datetime | None = None, *, number: int = 20
) -> list[RiskReport]:
    """The risks by detector, then those of answers by model, and by prompt template."""
    scope = scopes.of(scope)
    with store.snapshot() as session:
        versions = _versions(session)
    named: dict[tuple[str, str | None], list[Counts]] = defaultdict(list)
    for key, values in spreads(store, scope, Measure.RISK, "detector").items():
        named["detector", versions[key.detector][0]].append(values)
    for key, values in spreads(store, scope, Measure.ANSWER, "model", "template").items():
        named["model", key.model or None].append(values)
        named["template", key.template or None].append(values)
    order = sorted(named, key=lambda key: (key[0], key[1] or ""))
    return [_risks(*key, together(named[key]), number) for key in order]


def unexamined(store: AuditStore, scope: Scope | datetime | None = None) -> list[UnexaminedReport]:
    """What detectors could not examine, by detector and kind of reason, the most frequent first."""
    scope = scopes.of(scope)
    with store.snapshot() as session:
        versions = _versions(session)
        asked: dict[str, int] = defaultdict(int)
        for row in _sums(session, scope):
            asked[versions[row["detector"]][0]] += int(row["examined"]) + int(row["unexamined"])
        found = facts(session, unexamined_days, scope)
        keys = (found.c.detector, found.c.reason)
        times: dict[tuple[str, str], int] = defaultdict(int)
        for detector, reason, number in session.execute(
            select(*keys, func.sum(found.c.findings)).group_by(*keys)
        ):
            times[versions[detector][0], reason] += int(number)
    reports = [
        UnexaminedReport(name, reason, number, number / max(1, asked[name]))
        for (name, reason), number in times.items()
    ]
    return sorted(reports, key=lambda one: (-one.findings, one.name, one.reason))


def _versions(session: Session) -> dict[int, Version]:
    query = select(DetectorRow.number, DetectorRow.name, DetectorRow.version)
    return {number: (name, version) for number, name, version in session.execute(query)}


def _sums(session: Session, scope: Scope) -> list[Any]:
    found = facts(session, finding_days, scope)
    counted = ("examined", "over_limit", "unexamined", "risk", "timed", "seconds")
    query = select(found.c.detector, *total(found, *counted)).group_by(found.c.detector)
    return list(session.execute(query).mappings())


def _report(
    name: str, version: str | None, sums: dict[str, float], counts: Counts
) -> DetectorReport:
    examined, missed = int(sums["examined"]), int(sums["unexamined"])
    median, p90, p99 = quantiles(counts, (0.5, 0.9, 0.99))
    return DetectorReport(
        name,
        version,
        examined,
        int(sums["over_limit"]),
        missed,
        missed / (examined + missed) if examined + missed else 0.0,
        sums["risk"] / examined if examined else None,
        median,
        p90,
        p99,
        sums["seconds"] / sums["timed"] if sums["timed"] else None,
    )


def _risks(kind: str, name: str | None, counts: Counts, number: int) -> RiskReport:
    p50, p90, p99 = quantiles(counts, (0.5, 0.9, 0.99))
    return RiskReport(kind, name, sum(counts.values()), p50, p90, p99, tuple(bars(counts, number)))
