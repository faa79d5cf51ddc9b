"""Dates, decades, weekdays and times of day, in the forms that prose gives them."""

# ruff: noqa: RUF001  # the typographic marks are meant
from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_NAMES = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTHS = {name: number for number, name in enumerate(_NAMES, start=1)}
_MONTHS |= {name[:3]: number for name, number in _MONTHS.items()} | {"sept": 9}
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEKDAYS = {name: number for number, name in enumerate(_DAYS, start=1)}
_DECADES = {
    name: 1900 + 10 * place
    for place, name in enumerate(
        [
            "twenties",
            "thirties",
            "forties",
            "fifties",
            "sixties",
            "seventies",
            "eighties",
            "nineties",
        ],
        start=2,
    )
}
_MONTH_NAMES = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY = r"(?:[0-2]?\d|3[01])"
_YEAR = r"(?:1\d|20|21)\d\d"
_THE = r"(?:st|nd|rd|th)?"
_DATE = re.compile(
    rf"(?<!\w)(?:(?P<iso>(?<![.,/-])({_YEAR})[-/.](\d\d?)[-/.](\d\d?))(?![\w/-])"
    rf"|(?P<slash>(?<![.,/-])(\d\d?)(?P<mark>[/.-])(\d\d?)(?P=mark)({_YEAR}|\d\d))(?![\w/-])"
    rf"|(?P<dmy>({_DAY}){_THE}[ ](?:of[ ])?({_MONTH_NAMES})\b\.?(?:,?[ ]({_YEAR}))?)(?!\w)"
    rf"|(?P<mdy>({_MONTH_NAMES})\b\.?[ ]({_DAY}){_THE}(?![\w%:]|[.]\d)"
    rf"(?:[ ]?,?[ ]({_YEAR})(?!\w))?)"
    rf"|(?P<my>({_MONTH_NAMES})\b\.?(?:,| of)?[ ]({_YEAR})(?!\w))"
    rf"|(?P<month>{'|'.join(name for name in _NAMES if name not in ('may', 'march'))})\b"
    rf"|(?P<weekday>{'|'.join(_DAYS)})s?\b"
    rf"|(?P<decade>(?:(?:1\d|20|21)\d0|[1-9]00|[2-9]0)[ ]?['’]?s|{'|'.join(_DECADES)})(?!\w)"
    rf"|(?P<time>([01]?\d|2[0-4])(?:[:.]([0-5]\d))?[ ]?([ap])(?:\.[ ]?m\b\.?|m\b))"
    rf"|(?P<clock>(?<![.,/:-])([01]?\d|2[0-4]):([0-5]\d))(?![\d:])"
    rf"|(?P<noon>noon|midday|midnight)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A point or stretch of time in a text.

    *base* is date, month, weekday, decade or clock. The values of a date are YYYYMMDD with
    zeros for what is not said; those of a clock are minutes since midnight.
    """

    start: int
    end: int
    base: str
    values: tuple[int, ...]


def moments(text: str) -> Iterator[Moment]:
    """Read the dates and times of *text*, from left to right."""
    for match in _DATE.finditer(text):
        kind = str(match.lastgroup)
        parts = match.groups()[_DATE.groupindex[kind] :]
        base, values = _READERS[kind](match[0].lower(), parts)
        if values:
            yield Moment(match.start(), match.end(), base, values)


_Parts = tuple[str | None, ...]
_Reading = tuple[str, tuple[int, ...]]


def _date(year: str | None, month: int, day: str | None) -> tuple[int, ...]:
    # The value in a tuple, or an empty one where the calendar has no such day.
    years, days = int(year or 0), int(day or 0)
    if not (days <= 31 and 1 <= month <= 12):
        return ()
    if year is not None and len(year) == 2:
        years += 2000 if years < 70 else 1900
    return (years * 10000 + month * 100 + days,)


def _iso(_: str, parts: _Parts) -> _Reading:
    return "date", _date(parts[0], int(parts[1] or 0), parts[2])


def _slash(_: str, parts: _Parts) -> _Reading:
    first, _mark, second, year = parts[:4]
    readings = _date(year, int(second or 0), first) + _date(year, int(first or 0), second)
    return "date", tuple(dict.fromkeys(readings))


def _day_month(_: str, parts: _Parts) -> _Reading:
    return "date", _date(parts[2], _MONTHS[str(parts[1]).lower()], parts[0])


def _month_day(_: str, parts: _Parts) -> _Reading:
    return "date", _date(parts[2], _MONTHS[str(parts[0]).lower()], parts[1])


def _month_year(_: str, parts: _Parts) -> _Reading:
    return "date", _date(parts[1], _MONTHS[str(parts[0]).lower()], None)


def _month(written: str, _: _Parts) -> _Reading:
    return "month", (_MONTHS[written],)


def _weekday(written: str, _: _Parts) -> _Reading:
    return "weekday", (_WEEKDAYS[written.removesuffix("s")],)


def _decade(written: str, _: _Parts) -> _Reading:
    if written in _DECADES:
        return "decade", (_DECADES[written],)
    year = int(re.sub(r"\D", "", written))
    return "decade", (year if year > 99 else 1900 + year,)


def _time(_: str, parts: _Parts) -> _Reading:
    hour, minute = int(parts[0] or 0), int(parts[1] or 0)
    afternoon = str(parts[2]).lower() == "p"
    return "clock", ((hour % 12 + 12 * afternoon) * 60 + minute,)


def _clock(_: str, parts: _Parts) -> _Reading:
    # Without am or pm, 3:30 may be either; 15:30 may not.
    hour, minute = int(parts[0] or 0), int(parts[1] or 0)
    hours = (hour, hour + 12) if 1 <= hour <= 11 else (12, 0) if hour == 12 else (hour % 24,)
    return "clock", tuple(each * 60 + minute for each in hours)


def _noon(written: str, _: _Parts) -> _Reading:
    return "clock", (0 if written == "midnight" else 720,)


_READERS: dict[str, Callable[[str, _Parts], _Reading]] = {
    "iso": _iso,
    "slash": _slash,
    "dmy": _day_month,
    "mdy": _month_day,
    "my": _month_year,
    "month": _month,
    "weekday": _weekday,
    "decade": _decade,
    "time": _time,
    "clock": _clock,
    "noon": _noon,
}
