"""How a context supports one figure of an answer, or what it says instead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from trustlayer_detectors._amounts import CODE, DEGREES, RANK, YEAR, Figure
from trustlayer_detectors._ground import Company, Ground, Place, company, key


class Support(StrEnum):
    """From best to worst."""

    CARRIED = "carried"  # the same figure among the same words
    APART = "apart"  # the same figure, about something else
    ROUNDED = "rounded"
    ASKED = "asked"  # the question holds it
    ASSEMBLED = "assembled"  # a date whose parts are in the context, apart
    DERIVED = "derived"  # follows from two figures of the context
    OTHER_UNIT = "other unit"
    ABSENT = "absent"
    CONTRADICTED = "contradicted"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The support found for a figure; *rival* is what the context has in its place."""

    support: Support
    rival: Place | None = None


_HEDGES = {
    "~": "about|around|approximately|approx\\.?|roughly|circa|some|close to|an estimated|~|≈|c\\.",
    ">": "over|more than|above|at least|exceeding|upwards of|greater than|as many as|>",
    "<": "nearly|almost|under|less than|fewer than|below|up to|just under|within|<",
}
_HEDGE = {
    sign: re.compile(rf"(?:{words})[ ]?(?:an?[ ])?$", re.I) for sign, words in _HEDGES.items()
}
_CLOSE = {"date": 0, YEAR: 2}  # closeness that makes two equal figures the same one
_COMMON = 2  # words that a figure and its rival must share
_DATED = frozenset({"date", "month", "weekday", "decade", "clock"})


def judge(figure: Figure, answer: str, context: Ground, question: Ground) -> Judgement:
    """Say how the *context* supports one *figure* of the *answer*."""
    around = company(answer, figure.start, figure.end)
    if found := _carried(figure, context, around):
        return found
    hedge = _hedge(figure, answer)
    if _rounded(figure, hedge, context):
        return Judgement(Support.CARRIED if hedge == "~" else Support.ROUNDED)
    if _held(figure, question) or _rounded(figure, hedge, question):
        return Judgement(Support.ASKED)
    if _assembled(figure, context):
        return Judgement(Support.ASSEMBLED)
    missing = _missing(figure, context, around)
    # A share of two figures has no business where the context gives another percentage.
    if _derived(figure, context) and not (missing.rival and figure.base == "%"):
        return Judgement(Support.DERIVED)
    return missing


def _hedge(figure: Figure, answer: str) -> str:
    before = answer[max(0, figure.start - 20) : figure.start]
    return next((sign for sign, hedge in _HEDGE.items() if hedge.search(before)), "")


def _held(figure: Figure, where: Ground) -> list[Place]:
    return [
        place
        for reading in figure.readings
        for place in where.by_value.get((reading.base, key(reading.value)), ())
    ]


def _carried(figure: Figure, context: Ground, around: Company) -> Judgement | None:
    places = _held(figure, context)
    if not places:
        written = list(_written(figure, context))
        places = [place for place in written if _compatible(figure.base, place.base)]
        if written and not places:
            return Judgement(Support.OTHER_UNIT, written[0])
    if not places:
        return None
    needed = min(_CLOSE.get(figure.base, 3), len(around.around))
    close = any(around.closeness(context.company(place)) >= needed for place in places)
    return Judgement(Support.CARRIED if close else Support.APART)


def _written(figure: Figure, context: Ground) -> Iterable[Place]:
    return (
        place
        for reading in figure.readings
        if reading.written >= 0
        for place in context.by_writing.get(key(reading.written), ())
    )


def _compatible(one: str, two: str) -> bool:
    # A bare number may have any unit; a unit is not another unit.
    bare = {"", YEAR, RANK} | ({"°"} if {one, two} & set(DEGREES) else set[str]())
    return one == two or bool({one, two} & bare)


def _rounded(figure: Figure, sign: str, where: Ground) -> bool:
    if figure.base in _DATED or figure.base.startswith((CODE, YEAR, RANK)):
        return False
    return any(
        where.within(reading.base, *_bounds(reading.value, figure.step, sign)) is not None
        for reading in figure.readings
        if reading.base == figure.base or reading.base in DEGREES
    )


def _bounds(value: float, step: float, sign: str) -> tuple[float, float]:
    if sign == ">":
        return value, value * 1.3
    if sign == "<":
        return value * 0.75, value
    near = max(step, _round_step(value)) / 2 if sign or value >= 1000 else step / 2
    near = min(near, value * (0.15 if sign else 0.05))
    return value - near, value + near


def _round_step(value: float) -> float:
    # 12,000 has a step of 1,000; 12,340 of 10.
    step = 1.0
    while step < 1e15 and value and value % (step * 10) == 0:
        step *= 10
    return step


def _assembled(figure: Figure, context: Ground) -> bool:
    return figure.base == "date" and any(
        _parts_held(int(reading.value), context) for reading in figure.readings
    )


def _parts_held(date: int, context: Ground) -> bool:
    year, rest = date // 10000, date % 10000
    if year and (YEAR, key(year)) not in context.by_value:
        return False
    if rest % 100 == 0:
        return ("month", key(rest // 100)) in context.by_value
    return ("date", key(rest)) in context.by_value


def _derived(figure: Figure, context: Ground) -> bool:
    if figure.base == "decade":
        decade = figure.readings[0].value
        return context.within(YEAR, decade, decade + 9) is not None
    return any((reading.base, key(reading.value)) in context.derived for reading in figure.readings)


def _missing(figure: Figure, context: Ground, around: Company) -> Judgement:
    shared: dict[Place, int] = {}
    for stem in around.around:
        for place in context.by_word.get((figure.base, stem), ()):
            shared[place] = shared.get(place, 0) + 1
    if not shared:
        return Judgement(Support.ABSENT)
    rival, common = max(shared.items(), key=lambda entry: (entry[1], -entry[0].start))
    if common < _COMMON:
        return Judgement(Support.ABSENT)
    return Judgement(Support.CONTRADICTED, rival)
