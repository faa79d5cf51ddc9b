"""Numbers, times and names as people read them."""

from __future__ import annotations

from datetime import datetime

from trustlayer.audit.outcome_reports import Every

NOTHING = "–"  # noqa: RUF001  # an en dash, as in tables


def count(number: float) -> str:
    """1,234,567."""
    return f"{number:,.0f}"


def short_count(number: float) -> str:
    """1.2 M, 12 k."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= 10 * size or (number >= size and letter != "k"):
            return f"{number / size:.3g} {letter}"
    return count(number)


def share(value: float | None) -> str:
    """12.3 %."""
    if value is None:
        return NOTHING
    digits = 1 if 0.001 <= value <= 0.999 or value in (0.0, 1.0) else 2
    return f"{100 * value:.{digits}f} %"


def risk(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def seconds(value: float | None) -> str:
    """340 ms, 2.4 s, 3 min."""
    if value is None:
        return NOTHING
    if value < 1e-3:
        return f"{value * 1e6:.0f} µs"
    if value < 1:
        return f"{value * 1e3:.3g} ms"
    return f"{value:.3g} s" if value < 120 else f"{value / 60:.0f} min"


def money(value: float | None) -> str:
    """In the currency of the prices; three digits of small sums."""
    if value is None:
        return NOTHING
    if value == 0:
        return "0"
    return f"{value:,.2f}" if value >= 100 else f"{value:.3g}"


def name(text: str | None, nothing: str) -> str:
    return nothing if text is None else text


def period(start: datetime | None, every: Every) -> str:
    """When a period begins, as exactly as its length asks for."""
    if start is None:
        return "all"
    shapes = {Every.HOUR: "%d %b %H:00", Every.MONTH: "%b %Y"}
    return f"{start:{shapes.get(every, '%d %b %Y')}}"


def moment(time: datetime | None) -> str:
    return NOTHING if time is None else f"{time:%Y-%m-%d %H:%M}"
