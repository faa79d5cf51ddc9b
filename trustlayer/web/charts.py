"""A chart of outcomes over time, in the units of its drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trustlayer.audit.reports import Every, PeriodReport
from trustlayer.policy import Action

_HEIGHT = 120.0
_STEP, _BAR = 10, 8  # from bar to bar, and of a bar
_FEWEST = 12  # bars' worth of room, lest a single day be drawn as a wall
_MOST = 120  # bars: of more periods, the last


@dataclass(frozen=True, slots=True)
class Part:
    """The outcomes of one period that ended with *action*."""

    action: Action
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One period, what stands lowest first."""

    x: int
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from left to right, with gaps where there was nothing."""

    bars: tuple[Bar, ...]
    width: int
    every: str
    first: str
    last: str
    bar: int = _BAR


def over_time(periods: Sequence[PeriodReport], every: Every) -> Chart | None:
    """The chart of *periods*, the earliest first; None where there is none."""
    if not periods:
        return None
    length = timedelta(hours=1) if every is Every.HOUR else timedelta(days=1)
    shape = "%Y-%m-%d %H:00" if every is Every.HOUR else "%Y-%m-%d"
    last = periods[-1].start
    begin = max(periods[0].start, last - (_MOST - 1) * length)
    shown = [p for p in periods if p.start >= begin]
    most = max(p.outcomes for p in shown)
    places = round((last - begin) / length) + 1
    room = max(places, _FEWEST)
    bars = tuple(_bar(p, round((p.start - begin) / length), most, shape) for p in shown)
    return Chart(bars, room * _STEP, every.name.lower(), f"{begin:{shape}}", f"{last:{shape}}")


def _bar(period: PeriodReport, place: int, most: int, shape: str) -> Bar:
    counts = {
        Action.ACCEPT: period.accepted,
        Action.HOLD: period.held,
        Action.REFUSE: period.refused,
    }
    parts: list[Part] = []
    top = _HEIGHT + 6
    for action, count in counts.items():
        height = _HEIGHT * count / most
        top -= height
        if count:
            parts.append(Part(action, f"{top:.2f}", f"{height:.2f}"))
    return Bar(place * _STEP + 1, _title(period.start, shape, period), tuple(parts))


def _title(start: datetime, shape: str, period: PeriodReport) -> str:
    told = f"{period.accepted} accepted, {period.held} held, {period.refused} refused"
    return f"{start:{shape}}: {told}"
