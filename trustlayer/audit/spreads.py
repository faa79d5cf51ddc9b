"""How risks, times and costs are spread, from counts of rounded values.

A risk is rounded down to a hundredth, a time and a cost to two digits: a quantile is as exact
as that, at most 5 % off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from sqlalchemy import func, select

from trustlayer.audit.facts import facts
from trustlayer.audit.scope import Scope
from trustlayer.audit.store import AuditStore
from trustlayer.audit.summary_tables import measure_days

Counts = Mapping[float, int]  # how often each rounded value occurs


class Measure(StrEnum):
    """What is counted by its value."""

    RUN = "run"  # seconds that an outcome took
    ASKING = "asking"  # seconds that a model took to answer
    EXAMINING = "examining"  # seconds that a detector took for an answer
    COST = "cost"  # of an attempt
    ANSWER = "answer"  # risk of an answer, on the policy's scale
    RISK = "risk"  # that a detector found


@dataclass(frozen=True, slots=True)
class Bar:
    """How many findings have a risk in [start, end); the last bar includes 1."""

    start: float
    end: float
    findings: int


@dataclass(frozen=True, slots=True)
class Key:
    """Whose values they are; *detector* is the number of its version, 0 for none."""

    detector: int
    model: str
    template: str


def spreads(store: AuditStore, scope: Scope, measure: Measure, *by: str) -> dict[Key, Counts]:
    """The values of *measure*, by some of ``"detector"``, ``"model"``, ``"template"``."""
    with store.snapshot() as session:
        found = facts(session, measure_days, scope, only=measure.value)
        names = [found.c[name] for name in by]
        query = select(*names, found.c.value, func.sum(found.c["count"]).label("times"))
        query = query.where(found.c.measure == measure.value).group_by(*names, found.c.value)
        rows = session.execute(query).mappings().all()
    spread: dict[Key, dict[float, int]] = defaultdict(dict)
    for row in rows:
        key = Key(row.get("detector", 0), row.get("model", ""), row.get("template", ""))
        spread[key][float(row["value"])] = int(row["times"])
    return dict(spread)


def together(spread: Iterable[Counts]) -> Counts:
    """All of them as one."""
    whole: dict[float, int] = defaultdict(int)
    for counts in spread:
        for value, times in counts.items():
            whole[value] += times
    return dict(whole)


def quantiles(counts: Counts, at: Iterable[float]) -> list[float | None]:
    """The smallest values that a share *at* of all do not exceed; None where there are none."""
    values = sorted(counts)
    below = list(accumulate(counts[value] for value in values))
    if not below:
        return [None for _ in at]
    return [
        next(v for v, n in zip(values, below, strict=True) if n >= share * below[-1])
        for share in at
    ]


def bars(counts: Counts, number: int = 20) -> list[Bar]:
    """Risks over that many equal intervals, of which a hundredth must lie in one alone."""
    if number < 1 or 100 % number:
        raise ValueError(f"the number of bars must divide 100, got {number}")
    found = [0] * number
    for value, times in counts.items():
        found[min(round(value * 100) * number // 100, number - 1)] += times
    return [Bar(n / number, (n + 1) / number, times) for n, times in enumerate(found)]
