"""What the audit store tells of detectors: how often they spoke up, and how loud."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from sqlalchemy import func, select

from trustlayer.audit.counting import count, of_outcomes, total
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import DetectorRow, FindingRow

Version = tuple[str, str | None]  # of a detector: its name, and its version where known

STEPS = 1000  # risks are counted to a thousandth


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """One version of a detector over all attempts that it was to examine.

    *over_limit* counts risks above the limit then in force, *median_risk*, *p90_risk* and
    *p99_risk* are quantiles, to a thousandth. *version* is None where only a name is known.
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
class Bar:
    """How many findings of a detector have a risk in [start, end); the last includes 1."""

    start: float
    end: float
    findings: int


@dataclass(slots=True)
class _Tally:
    risks: dict[int, int] = field(default_factory=dict[int, int])  # findings by thousandths
    total: float = 0.0
    over: int = 0
    unexamined: int = 0
    seconds: float = 0.0
    timed: int = 0

    def add(
        self,
        *,
        step: float | None,
        findings: int,
        risk: float,
        over: int,
        unexamined: int,
        seconds: float,
        timed: int,
    ) -> None:
        if step is not None:
            self.risks[int(step)] = self.risks.get(int(step), 0) + findings
        self.total += risk
        self.over += over
        self.unexamined += unexamined
        self.seconds += seconds
        self.timed += timed


def by_detector(store: AuditStore, since: datetime | None = None) -> list[DetectorReport]:
    """Findings by detector and version, in the order of their names."""
    tallies = _tallies(store, since)
    return [
        _report(name, version, tallies[name, version])
        for name, version in sorted(tallies, key=lambda key: (key[0], key[1] or ""))
    ]


def risks(store: AuditStore, since: datetime | None = None, bars: int = 20) -> dict[str, list[Bar]]:
    """How the risks that each detector found are distributed, over *bars* equal intervals."""
    found: dict[str, list[int]] = defaultdict(lambda: [0] * bars)
    for (name, _), tally in _tallies(store, since).items():
        for step, findings in tally.risks.items():
            found[name][min(step * bars // STEPS, bars - 1)] += findings
    return {
        name: [Bar(n / bars, (n + 1) / bars, findings) for n, findings in enumerate(counts)]
        for name, counts in sorted(found.items())
    }


def _tallies(store: AuditStore, since: datetime | None) -> Mapping[Version, _Tally]:
    step = func.round(FindingRow.risk * STEPS).label("step")
    query = select(
        FindingRow.detector,
        step,
        func.count(FindingRow.risk).label("findings"),
        total(FindingRow.risk).label("risk"),
        count(FindingRow.risk > FindingRow.risk_limit).label("over"),
        func.count(FindingRow.unexamined).label("unexamined"),
        total(FindingRow.seconds).label("seconds"),
        func.count(FindingRow.seconds).label("timed"),
    ).group_by(FindingRow.detector, step)
    named = select(DetectorRow.number, DetectorRow.name, DetectorRow.version)
    tallies: dict[Version, _Tally] = defaultdict(_Tally)
    with store.session() as session:
        names = {number: (name, version) for number, name, version in session.execute(named)}
        for row in session.execute(of_outcomes(query, FindingRow, since)).mappings():
            counts = dict(row)
            tallies[names[counts.pop("detector")]].add(**counts)
    return tallies


def _report(name: str, version: str | None, tally: _Tally) -> DetectorReport:
    examined = sum(tally.risks.values())
    asked = examined + tally.unexamined
    median, p90, p99 = quantiles(tally.risks, (0.5, 0.9, 0.99))
    return DetectorReport(
        name,
        version,
        examined,
        tally.over,
        tally.unexamined,
        tally.unexamined / asked if asked else 0.0,
        tally.total / examined if examined else None,
        median,
        p90,
        p99,
        tally.seconds / tally.timed if tally.timed else None,
    )


def quantiles(counts: Mapping[int, int], at: Iterable[float]) -> list[float | None]:
    """The smallest risks that a share *at* of the findings do not exceed."""
    steps = sorted(counts)
    below = list(accumulate(counts[step] for step in steps))
    if not below:
        return [None for _ in at]
    return [
        next(step for step, n in zip(steps, below, strict=True) if n >= share * below[-1]) / STEPS
        for share in at
    ]
