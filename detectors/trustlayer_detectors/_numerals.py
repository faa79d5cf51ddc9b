"""Numbers read out of running text, with what stands apart in writing put together.

"Two and a half million" is one number, "two and three" are two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from trustlayer_detectors._number_tokens import ALL_SCALES, Form, Numeral, scaled, tokens

__all__ = ["Form", "Numeral", "numerals"]


def numerals(text: str) -> Iterator[Numeral]:
    """Read every number of *text*, from left to right, words joined with their scales."""
    held: Numeral | None = None
    for token in tokens(text):
        joined = None if held is None else _joined(held, token, text)
        if joined is None and held is not None:
            yield held
        held = token if joined is None else joined
    if held is not None:
        yield held


def _joined(left: Numeral, right: Numeral, text: str) -> Numeral | None:
    """Return the one number that two neighbours are, or None where they are two."""
    if right.start - left.end > 7 or left.glued or Form.CODE in (left.form, right.form):
        return None
    gap = text[left.end : right.start].lower().strip(" -\t\n\u00a0")
    if right.form is Form.FRACTION:
        return _with_fraction(left, right, gap)
    if right.form is Form.DIGITS or left.form is Form.ORDINAL:
        return None
    return _with_words(left, right, gap, text)


def _with_fraction(left: Numeral, right: Numeral, gap: str) -> Numeral | None:
    value, part = left.values[0], right.values[0]
    if left.form is Form.WORDS and gap == "" and part < 0.5 and value < 10:
        return replace(left, end=right.end, values=(value * part,), step=0.01, form=right.form)
    if gap in ("and a", "and", "") and value == int(value) and part < 1:
        return replace(left, end=right.end, values=(value + part,), step=0.01)
    return None


def _with_words(left: Numeral, right: Numeral, gap: str, text: str) -> Numeral | None:
    word = text[right.start : right.end].lower()
    value, more = left.values[0], right.values[0]
    if word in ALL_SCALES and gap in ("", "a"):
        return replace(_scaled_up(left, more), end=right.end)
    if value == 1 and gap == "" and right.form is Form.ORDINAL and 3 <= more <= 10:
        return replace(right, start=left.start, values=(1 / more,), step=0.01, form=Form.FRACTION)
    if left.form is not Form.WORDS or gap not in ("", "and", "point", "dot"):
        return None
    if gap in ("point", "dot"):
        return _with_decimals(left, right)
    if (total := _sum(value, more, gap)) is None:
        return None
    return Numeral(left.start, right.end, (total,), 1.0, right.form)


def _with_decimals(left: Numeral, right: Numeral) -> Numeral | None:
    whole, decimals = left.values[0], f"{right.values[0]:.0f}"
    if left.step < 1 or whole % 1 or len(decimals) > 2:
        return None
    value, step = float(f"{whole:.0f}.{decimals}"), 10.0 ** -len(decimals)
    return replace(left, end=right.end, values=(value,), step=step)


def _scaled_up(left: Numeral, scale: float) -> Numeral:
    # In "five thousand two hundred" only the two is scaled by the hundred.
    rest = left.values[0] % (scale * 1000 if scale >= 1000 else 1000)
    if left.form is not Form.WORDS or rest in (0.0, left.values[0]):
        return scaled(left, scale)
    return replace(left, values=(left.values[0] - rest + rest * scale,), step=scale, scale=scale)


def _sum(value: float, more: float, gap: str) -> float | None:
    if value >= 100 and value % 100 == 0 and more < 100:
        return value + more
    if gap == "" and 20 <= value < 2100 and value % 10 == 0 and 0 < more < 10:
        return value + more
    if gap == "" and 13 <= value <= 20 and 10 <= more < 100:
        return value * 100 + more  # "nineteen eighty": a year
    return None
