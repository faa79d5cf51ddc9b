"""What time and money go into: percentiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from trustlayer.audit import scope as scopes
from trustlayer.audit.scope import Scope
from trustlayer.audit.spreads import Counts, Key, Measure, quantiles, spreads, together
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import DetectorRow

_BY = {
    Measure.RUN: "",
    Measure.ASKING: "model",
    Measure.EXAMINING: "detector",
    Measure.COST: "model",
}


@dataclass(frozen=True, slots=True)
class TimingReport:
    """Percentiles of *measure*: seconds of a run, of asking a model, of examining; or a cost.

    *name* is the model, or the detector; None stands for all of them together. The percentiles
    are values rounded to two digits, at most 5 % off.
    """

    measure: Measure
    name: str | None
    number: int
    p50: float
    p90: float
    p95: float
    p99: float


def timings(store: AuditStore, scope: Scope | datetime | None = None) -> list[TimingReport]:
    """Seconds of whole runs; of asking, by model; of examining, by detector; cost, by model."""
    scope = scopes.of(scope)
    with store.session() as session:
        query = select(DetectorRow.number, DetectorRow.name)
        names: dict[int, str] = dict(session.execute(query).all())
    return [row for measure in _BY for row in _reports(store, scope, measure, names)]


def _reports(
    store: AuditStore, scope: Scope, measure: Measure, names: dict[int, str]
) -> Iterator[TimingReport]:
    by = _BY[measure]
    found = spreads(store, scope, measure, *([by] if by else []))
    named: dict[str, list[Counts]] = {}
    for key, counts in found.items():
        named.setdefault(_name(key, names), []).append(counts)
    if len(named) != 1 or not by:
        yield from _report(measure, None, together(found.values()))
    if by:
        for name in sorted(named):
            yield from _report(measure, name, together(named[name]))


def _name(key: Key, names: dict[int, str]) -> str:
    return names[key.detector] if key.detector else key.model


def _report(measure: Measure, name: str | None, counts: Counts) -> Iterator[TimingReport]:
    if counts:
        p50, p90, p95, p99 = (mark or 0.0 for mark in quantiles(counts, (0.5, 0.9, 0.95, 0.99)))
        yield TimingReport(measure, name, sum(counts.values()), p50, p90, p95, p99)
