"""Single numbers in running text: a run of digits, a fraction, a word such as "seven".

Every expression here is a plain run or a lookup, never nested repetition, so that a hostile
text of megabytes costs no more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum


class Form(StrEnum):
    """How a number is written."""

    DIGITS = "digits"
    WORDS = "words"
    ORDINAL = "ordinal"
    FRACTION = "fraction"
    CODE = "code"  # a version, an address, a telephone number: compared letter by letter


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number in a text; several values where the writing allows several.

    *step* is what one unit of the last written digit is worth: "3.96 million" has a step of
    10,000 and a scale of 1,000,000. *glued* are the letters that touch the digits on the
    right ("70ft").
    """

    start: int
    end: int
    values: tuple[float, ...]
    step: float
    form: Form
    glued: str = ""
    scale: float = 1.0


_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
]
_TENTHS = [tens[:-1] + "ieth" for tens in _TENS]
_SMALL = {word: float(value) for value, word in enumerate(_ONES)}
_SMALL |= {word: 10.0 * place for place, word in enumerate(_TENS, start=2)}
_RANKS = {word: float(rank) for rank, word in enumerate(_ORDINALS, start=1)}
_RANKS |= {word: 10.0 * place for place, word in enumerate(_TENTHS, start=2)}
_RANKS["hundredth"] = 100.0
SCALES = {
    "dozen": 12.0,
    "hundred": 1e2,
    "thousand": 1e3,
    "lakh": 1e5,
    "million": 1e6,
    "mn": 1e6,
    "mln": 1e6,
    "crore": 1e7,
    "billion": 1e9,
    "bn": 1e9,
    "trillion": 1e12,
}
ALL_SCALES = SCALES | {scale + "s": worth for scale, worth in SCALES.items() if len(scale) > 3}
_PARTS = {"half": 2.0, "halves": 2.0, "quarter": 4.0, "quarters": 4.0}
_PARTS |= {rank + "s": value for rank, value in _RANKS.items() if 3 <= value <= 10}
_GLUED_SCALES = SCALES | {"k": 1e3, "K": 1e3, "M": 1e6, "bn": 1e9, "B": 1e9, "b": 1e9}
_VULGAR = dict(
    zip("½⅓⅔¼¾⅛⅜⅝⅞", "1/2 1/3 2/3 1/4 3/4 1/8 3/8 5/8 7/8".split(), strict=True)  # noqa: SIM905
)

_WORDS = sorted({*_SMALL, *_RANKS, *ALL_SCALES, *_PARTS}, key=len, reverse=True)
_TOKEN = re.compile(
    r"(?<!\w)(?:(?P<run>\.?\d+(?:[.,\u00a0\u2009\u202f]\d+|['\u2019]\d{3}(?!\d))*)|(?P<vulgar>["
    + "".join(_VULGAR)
    + r"])|(?P<word>(?:"
    + "|".join(_WORDS)
    + r")(?![^\W\d_])))",
    re.IGNORECASE,
)
_GROUPS = re.compile(r"(?: \d{3})+(?![\d.,]{0,9}\d)")
_GLUED = re.compile(r"[^\W\d_]{1,12}")
_FRACTION = re.compile(r"(?:( |-)?(\d{1,2}))?/(\d{1,3})(?![\d/])")
_LONGEST = 24


def tokens(text: str) -> Iterator[Numeral]:
    """Read every run of digits and every number word of *text*, each on its own."""
    position = 0
    while match := _TOKEN.search(text, position):
        read = _read(match, text)
        yield from read
        position = max(match.end(), read[-1].end if read else 0)


def _read(match: re.Match[str], text: str) -> list[Numeral]:
    if match["run"] is not None:
        return _digits(match, text)
    start, end = match.span()
    if match["vulgar"] is not None:
        return [_fraction(start, end, _VULGAR[match["vulgar"]])]
    word = match["word"].lower()
    if word in _RANKS:
        return [_ranked(start, end, _RANKS[word], text)]
    if word in _PARTS:
        return [Numeral(start, end, (1 / _PARTS[word],), 0.01, Form.FRACTION)]
    value = _SMALL.get(word) or ALL_SCALES.get(word, 0.0)
    return [Numeral(start, end, (value,), value if word in ALL_SCALES else 1.0, Form.WORDS)]


def _ranked(start: int, end: int, rank: float, text: str) -> Numeral:
    if (
        rank > 2
        and text[max(0, start - 2) : start].lower() == "a "
        and text[end : end + 3] == " of"
    ):
        return Numeral(start, end, (1 / rank,), 0.01, Form.FRACTION)
    return Numeral(start, end, (rank,), 1.0, Form.ORDINAL)


def _fraction(start: int, end: int, written: str) -> Numeral:
    above, _, below = written.partition("/")
    return Numeral(start, end, (float(above) / float(below),), 0.01, Form.FRACTION)


def _digits(match: re.Match[str], text: str) -> list[Numeral]:
    start, end = match.span()
    run = match["run"]
    if run.isdecimal():
        if (slash := _FRACTION.match(text, end)) and float(slash[3]):
            return [_mixed(start, slash, run)]
        if (vulgar := text[end : end + 1]) in _VULGAR:
            part = _fraction(end, end + 1, _VULGAR[vulgar])
            return [replace(part, start=start, values=(float(run) + part.values[0],))]
        if len(run) <= 3 and run[0] != "0" and (groups := _GROUPS.match(text, end)):
            run, end = run + groups[0].replace(" ", ""), groups.end()
    return [_glue(numeral, text) for numeral in _parsed(run, start, end)]


def _mixed(start: int, part: re.Match[str], run: str) -> Numeral:
    whole, above = (float(run), part[2]) if part[2] is not None else (0.0, run)
    value = float(above) / float(part[3])
    if value >= 1:  # "24/7", "9/11": a name
        return Numeral(start, part.end(), (), 0.0, Form.CODE)
    return Numeral(start, part.end(), (whole + value,), 0.01, Form.FRACTION)


def _glue(numeral: Numeral, text: str) -> Numeral:
    match = _GLUED.match(text, numeral.end)
    if match is None:
        return numeral
    letters = match[0]
    if letters in ("st", "nd", "rd", "th", "ST", "ND", "RD", "TH"):
        return replace(numeral, end=match.end(), form=Form.ORDINAL)
    if letters in _GLUED_SCALES:
        return replace(scaled(numeral, _GLUED_SCALES[letters]), end=match.end())
    return replace(numeral, glued=letters)


def scaled(numeral: Numeral, scale: float) -> Numeral:
    """Return *numeral* times *scale*, its step included."""
    values = tuple(value * scale for value in numeral.values)
    return replace(numeral, values=values, step=numeral.step * scale, scale=numeral.scale * scale)


def _parsed(run: str, start: int, end: int) -> list[Numeral]:
    # `end` may lie beyond the run where spaces between groups were dropped.
    plain = re.sub("['\u2019\u00a0\u2009\u202f]", ",", run)
    if len(run) > _LONGEST or (plain[:2] == "00"):
        return [Numeral(start, end, (), 0.0, Form.CODE)]
    parts = re.split("[.,]", plain)
    if values := _values(plain, parts):
        return [Numeral(start, end, values, _step(plain, values), Form.DIGITS)]
    if "." in plain:
        return [Numeral(start, end, (), 0.0, Form.CODE)]
    return list(_listed(parts, start))


def _values(plain: str, parts: list[str]) -> tuple[float, ...]:
    joined = float("".join(parts) or 0)
    grouped = _grouped(parts)
    if len(parts) == 1:
        return (joined,)
    if "." not in plain:
        decimal = len(parts) == 2 and len(parts[1]) < 3
        return (joined,) if grouped else (float(".".join(parts)),) if decimal else ()
    if "," not in plain:
        thousands = (joined,) if grouped and parts[0] != "0" else ()
        return (float(plain), *thousands) if len(parts) == 2 else thousands
    mark = "." if plain.rindex(".") > plain.rindex(",") else ","
    if plain.count(mark) == 1 and _grouped(parts[:-1]):
        return (float("".join(parts[:-1]) + "." + parts[-1]),)
    return ()


def _grouped(parts: list[str]) -> bool:
    # 1,234,567 and the Indian 12,34,567 alike.
    middle = {len(part) for part in parts[1:-1]}
    return 1 <= len(parts[0]) <= 3 and len(parts[-1]) == 3 and middle in ({3}, {2}, set[int]())


def _step(plain: str, values: tuple[float, ...]) -> float:
    if values[0] == int(values[0]) and not re.search(r"[.,]0{1,2}$", plain):
        return 1.0
    return 10.0 ** -len(re.split("[.,]", plain)[-1])


def _listed(parts: list[str], start: int) -> Iterator[Numeral]:
    for part in parts:
        yield Numeral(start, start + len(part), (float(part),), 1.0, Form.DIGITS)
        start += len(part) + 1
