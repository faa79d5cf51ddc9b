"""Which outcomes a report is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Outcomes that started at *since* or later, and before *until*; of one detector, one model.

    *detector* narrows what is told of findings, *model* what is told of attempts and, of
    outcomes, to those whose last kept answer is that model's.
    """

    since: datetime | None = None
    until: datetime | None = None
    detector: str | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        for name in ("since", "until"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{name} needs its zone, got {moment!r}; write datetime.now(UTC)")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError(f"since must lie before until, got {self.since} and {self.until}")

    @property
    def first_day(self) -> date | None:
        """The first whole day, in UTC; None for no beginning."""
        return None if self.since is None else _day(self.since, whole=timedelta(days=1))

    @property
    def beyond(self) -> date | None:
        """The day after the last whole one; None for no end."""
        return None if self.until is None else _day(self.until, whole=timedelta(0))

    def edges(self) -> list[tuple[datetime, datetime]]:
        """The spans of time in it that are not whole days."""
        first, beyond = _start(self.first_day), _start(self.beyond)
        if first is not None and beyond is not None and first > beyond:
            assert self.since is not None
            assert self.until is not None
            return [(self.since, self.until)]
        found = [(self.since, first), (beyond, self.until)]
        return [(a, b) for a, b in found if a is not None and b is not None and a < b]


def of(scope: Scope | datetime | None) -> Scope:
    """A scope also of what stands for one: nothing, or the time since when."""
    if scope is None:
        return Scope()
    return scope if isinstance(scope, Scope) else Scope(since=scope)


def _day(moment: datetime, *, whole: timedelta) -> date:
    # The day of *moment*, or *whole* later unless it begins with it.
    utc = moment.astimezone(UTC)
    return utc.date() if utc.time() == time() else utc.date() + whole


def _start(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)
