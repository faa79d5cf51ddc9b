"""Figures in a text: each number, date or time with its unit, and whether it is a claim."""

# ruff: noqa: RUF001  # the typographic marks are meant
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from trustlayer_detectors._dates import Moment, moments
from trustlayer_detectors._numerals import Form, Numeral, numerals
from trustlayer_detectors._units import Unit, money_before, unit_after, with_scale

YEAR, RANK, CODE = "year", "rank", "code"
DEGREES = ("°C", "°F")


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a figure: *value* in the unit *base*, *written* as it stands there."""

    base: str
    value: float
    written: float


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and where it stands; *step* is what its last written digit is worth.

    One that is no *claim* (list numbers, "passage 2", a lone "one") supports others and
    needs no support.
    """

    start: int
    end: int
    readings: tuple[Reading, ...]
    step: float = 0.0
    claim: bool = True
    scale: float = 1.0

    @property
    def base(self) -> str:
        return self.readings[0].base


_PLURALS = {"twice": 2, "both": 2, "double": 2, "doubled": 2, "pair": 2, "couple": 2, "duo": 2,
            "once": 1, "single": 1, "sole": 1, "only": 1, "thrice": 3, "triple": 3, "tripled": 3,
            "trio": 3, "quadruple": 4, "quartet": 4, "quintet": 5}  # fmt: skip
_SPAN_WORDS = "minute hour day week fortnight month year decade century mile million billion"
_IMPLIED = re.compile(
    rf"\b(?:(?P<times>{'|'.join(_PLURALS)})|(?:an?|per|each|every|one)[ ](?P<unit>"
    rf"{_SPAN_WORDS.replace(' ', '|')}|thousand|hundred))\b"
    r"|(?<=[a-z][ ])(?P<roman>[IVX]{1,5})\b",
    re.IGNORECASE,
)
_ROMAN = {"I": 1, "V": 5, "X": 10}
_NO_CLAIM = re.compile(
    r"(?:^[ \t>*#_•-]*\(?\d{1,3}(?:[.)\]:](?=\D|$)|[ ]{2})"  # list numbers
    r"|(?<!\w)\(\d{1,2}\)|[ ]\d\)[ ]"
    r"|\[\^?\d{1,4}(?:[ ]?[,;–-][ ]?\^?\d{1,4}){0,20}\]|【\d[^】\n]{0,30}】"  # citation marks
    r"|https?://[^\s)>\]]{1,2000}|www\.[^\s)>\]]{1,2000}"
    r"|\b(?:step|passage|source|document|doc|reference|ref|citation|excerpt|snippet|footnote"
    r"|paragraph|context|question|item|tip|method|option)s?[ ]?[#:(]?[ ]?(?:no\.?[ ]?)?"
    r"(?:\d{1,3}|one|two|three|four|five|six)"
    r"(?:(?:,|,?[ ](?:and|or|to|&)|[ ]?[-–])[ ]?\d{1,3}){0,9}\b)",
    re.IGNORECASE | re.MULTILINE,
)
_PIECE = 50_000  # characters
_PREFIXES = frozenset(
    [
        "mid",
        "pre",
        "post",
        "early",
        "late",
        "circa",
        "top",
        "under",
        "over",
        "non",
        "sub",
        "about",
        "inter",
    ]
)
_RANGE = re.compile(r"[ ]?(?:[-–—]|to|or|and|through|till|until|by|x)[ ]?[$€£¥₹]?[ ]?", re.I)
_OPENING = re.compile(r"(?:^|[.!?:;\n*•][ \t\"”')]{0,3})(?:the[ ])?$", re.IGNORECASE)


def figures(text: str) -> Iterator[Figure]:
    """Read every figure of *text*, from left to right; memory does not grow with the text."""
    for offset, piece in _pieces(text):
        found = _merged(list(moments(piece)), numerals(piece), piece)
        for figure in _ranged(list(_without(found, _NO_CLAIM.finditer(piece))), piece):
            yield replace(figure, start=figure.start + offset, end=figure.end + offset)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    # Cut at the end of a line, else of a word.
    start = 0
    while start < len(text):
        end = start + _PIECE
        if end < len(text):
            lines, words = text.rfind("\n", start, end), text.rfind(" ", start, end)
            end = max(lines, start) + 1 if lines > start else max(words, end - 200)
        yield start, text[start:end]
        start = end


def implied(text: str) -> Iterator[Figure]:
    """Read what carries a figure without stating one: "an hour", "twice", "World War II"."""
    for match in _IMPLIED.finditer(text):
        if match["times"] is not None:
            yield _single(match, "", _PLURALS[match["times"].lower()])
        elif match["unit"] is not None:
            units, _ = unit_after(" " + match["unit"], 0)
            readings = tuple(Reading(unit.base, unit.factor, 1) for unit in units)
            yield Figure(match.start(), match.end(), (*readings, Reading("", 1, 1)), claim=False)
        elif match["roman"].isupper():
            yield _single(match, RANK, _roman(match["roman"]))


def _single(match: re.Match[str], base: str, value: float) -> Figure:
    return Figure(match.start(), match.end(), (Reading(base, value, value),), claim=False)


def _roman(letters: str) -> int:
    values = [_ROMAN[letter] for letter in letters]
    following = [*values[1:], 0]
    return sum(-one if one < two else one for one, two in zip(values, following, strict=True))


def _merged(times: list[Moment], numbers: Iterable[Numeral], text: str) -> Iterator[Figure]:
    # In order; a number within a date is part of the date.
    position = 0
    for number in numbers:
        while position < len(times) and times[position].end <= number.start:
            yield _timed(times[position])
            position += 1
        if position < len(times) and times[position].start < number.end:
            continue
        if (figure := _figure(number, text)) is not None:
            yield figure
    yield from map(_timed, times[position:])


def _timed(moment: Moment) -> Figure:
    readings = tuple(Reading(moment.base, float(each), -1.0) for each in moment.values)
    return Figure(moment.start, moment.end, readings)


def _figure(number: Numeral, text: str) -> Figure | None:
    if number.form is Form.CODE:
        literal = text[number.start : number.end]
        return Figure(number.start, number.end, (Reading(f"{CODE} {literal}", 0, -1),))
    after, end = unit_after(text, number.end)
    if _is_name(number, end, text):
        return None
    money, start = money_before(text, number.start)
    if number.form is Form.ORDINAL and not money:
        return _ranked(number, text)
    units = with_scale(money, after) or after or _bare(number, text)
    vague = not money + after and _is_vague(number, text)
    found = Figure(start, max(end, number.end), (), claim=not vague, scale=number.scale)
    return _measured(found, number.values, number.step, units)


def _is_vague(number: Numeral, text: str) -> bool:
    # "one of them", "thousands of people", "in thirds"
    word = text[number.start : number.end].lower()
    if number.form is Form.DIGITS:
        return False
    return word == "one" or (word.endswith("s") and word.isalpha())


def _is_name(number: Numeral, end: int, text: str) -> bool:
    # "3D", "A4", "COVID-19": the digits are part of a name.
    if number.glued and end < number.end + len(number.glued):
        return True
    if number.form is not Form.DIGITS or text[number.start - 1 : number.start] != "-":
        return False
    before = re.search(r"([^\W\d_]{1,12})-$", text[max(0, number.start - 14) : number.start])
    return before is not None and before[1].lower() not in _PREFIXES


def _ranked(number: Numeral, text: str) -> Figure:
    # "First, …" orders the sentences, "the second." points back: neither claims anything.
    rank = Reading(RANK, number.values[0], number.values[0])
    before, after = text[max(0, number.start - 8) : number.start], text[number.end : number.end + 1]
    opening = after in (",", ":") and _OPENING.search(before) is not None
    pointing = after in (".", ",", ";", ")", "") and before.lower().endswith("the ")
    return Figure(number.start, number.end, (rank,), claim=not (opening or pointing))


def _bare(number: Numeral, text: str) -> tuple[Unit, ...]:
    written = text[number.start : number.end]
    year = 1000 <= number.values[0] < 2200 and (written.isdecimal() or " " in written.strip())
    return (Unit(YEAR if year and number.scale == 1 else ""),)


def _measured(
    figure: Figure, values: Iterable[float], step: float, units: tuple[Unit, ...]
) -> Figure:
    readings = [
        Reading(unit.base, value * unit.factor, value) for unit in units for value in values
    ]
    readings += map(_other_degrees, readings[: int(units[0].base in DEGREES)])
    return replace(figure, readings=tuple(readings), step=step * units[0].factor)


def _other_degrees(reading: Reading) -> Reading:
    if reading.base == "°F":
        return Reading("°C", (reading.value - 32) / 1.8, reading.written)
    return Reading("°F", reading.value * 1.8 + 32, reading.written)


def _without(found: Iterable[Figure], excluded: Iterator[re.Match[str]]) -> Iterator[Figure]:
    mask = next(excluded, None)
    for figure in found:
        while mask is not None and mask.end() <= figure.start:
            mask = next(excluded, None)
        inside = mask is not None and mask.start() <= figure.start < mask.end()
        yield replace(figure, claim=False) if inside else figure


def _ranged(found: list[Figure], text: str) -> list[Figure]:
    # In "10 to 15 km" the unit, in "$6-7 billion" currency and scale, belong to both.
    for place in range(len(found) - 2, -1, -1):
        left, right = found[place], found[place + 1]
        if right.start - left.end <= 9 and _RANGE.fullmatch(text, left.end, right.start):
            right = _abbreviated(left, right)
            found[place : place + 2] = _sharing(left, right), _sharing(right, left)
    return found


def _sharing(figure: Figure, other: Figure) -> Figure:
    own, model = figure.readings[0], other.readings[0]
    if own.written < 0 or model.written <= 0 or YEAR in (own.base, model.base):
        return figure
    scale = other.scale if other.scale > figure.scale else 1.0
    base = model.base if own.base == "" else own.base
    if RANK in (own.base, model.base) or (scale == 1 and base == own.base):
        return figure
    factor = model.value / model.written if own.base == "" else own.value / own.written
    shared = Reading(base, own.written * scale * factor, own.written * scale)
    return replace(figure, readings=(shared, *figure.readings), step=figure.step * scale * factor)


def _abbreviated(left: Figure, right: Figure) -> Figure:
    # The 95 of "1990-95" is a year.
    last = right.readings[0]
    if left.base != YEAR or last.base != "" or not 10 <= last.written < 100:
        return right
    year = left.readings[0].value // 100 * 100 + last.written
    return replace(right, readings=(Reading(YEAR, year, year), last))
