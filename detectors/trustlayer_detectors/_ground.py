"""What the context says in figures: looked up by value, by unit and by the words around."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from trustlayer_detectors._amounts import YEAR, Figure, figures, implied

REACH = 70  # characters on either side that tell what a figure is about
_KEPT = 16  # places remembered for one value, or one word
_NEIGHBOURS = 6  # figures within this distance are added and subtracted
_TELLING = 5_000  # figures; among more of them, sums and common words tell nothing
_NEVER_ADDED = frozenset({"date", "month", "weekday", "clock", "decade", "rank", "code"})
_YEAR_SECONDS = 31557600.0
_WORD = re.compile(r"[^\W\d_]{3,40}")
_STOP = frozenset(
    [
        "the",
        "and",
        "for",
        "with",
        "that",
        "this",
        "from",
        "have",
        "has",
        "had",
        "was",
        "were",
        "are",
        "been",
        "will",
        "would",
        "which",
        "who",
        "whom",
        "into",
        "onto",
        "than",
        "then",
        "them",
        "they",
        "their",
        "there",
        "his",
        "her",
        "its",
        "our",
        "your",
        "you",
        "she",
        "him",
        "but",
        "not",
        "all",
        "any",
        "some",
        "more",
        "most",
        "about",
        "over",
        "under",
        "only",
        "also",
        "very",
        "just",
        "such",
        "these",
        "those",
        "when",
        "where",
        "what",
        "while",
        "after",
        "before",
        "during",
        "between",
        "according",
        "said",
        "says",
        "per",
        "one",
        "two",
        "three",
    ]
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a figure of the context stands, and its first reading."""

    start: int
    end: int
    base: str
    value: float


def key(value: float) -> str:
    """Make values equal that differ by the rounding of a conversion only."""
    return format(value, ".9g")


@dataclass(frozen=True, slots=True)
class Company:
    """The words beside a figure and all words around it, cut short so that endings differ not."""

    beside: frozenset[str]
    around: frozenset[str]

    def closeness(self, other: Company) -> int:
        """Count what two figures have in common; a word beside both counts for more."""
        return len(self.around & other.around) + 2 * bool(self.beside & other.beside)


def company(text: str, start: int, end: int) -> Company:
    """Return the words that the figure between *start* and *end* keeps."""
    before = _WORD.findall(text[max(0, start - REACH) : start])
    after = _WORD.findall(text[end : end + REACH])
    return Company(_stems(before[-1:] + after[:2]), _stems(before + after))


def _stems(words: Iterable[str]) -> frozenset[str]:
    return frozenset(word.lower()[:5] for word in words if word.lower() not in _STOP)


@dataclass(frozen=True)
class Ground:
    """The figures of a context. Everything is a lookup; what is kept is bounded by variety."""

    text: str
    by_value: dict[tuple[str, str], list[Place]] = field(default_factory=lambda: defaultdict(list))
    by_writing: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    by_word: dict[tuple[str, str], list[Place]] = field(default_factory=lambda: defaultdict(list))
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    derived: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    _companies: dict[Place, Company] = field(default_factory=dict[Place, Company])

    def company(self, place: Place) -> Company:
        """Return the words that the figure at *place* keeps."""
        found = self._companies.get(place)
        if found is None:
            found = self._companies[place] = company(self.text, place.start, place.end)
        return found

    def within(self, base: str, low: float, high: float) -> float | None:
        """Return the smallest value of the unit *base* that lies between the two."""
        values = self.values.get(base, [])
        position = bisect_left(values, low)
        return values[position] if position < len(values) and values[position] <= high else None


_LARGE = 200_000  # characters


def ground(texts: tuple[str, ...]) -> Ground:
    """Read the figures of *texts*; the latest results are remembered."""
    return (_remembered if sum(map(len, texts)) < _LARGE else _large)(texts)


def _build(texts: tuple[str, ...]) -> Ground:
    built = Ground("\n\n".join(texts))
    recent: deque[Figure] = deque(maxlen=_NEIGHBOURS)
    for place, figure in enumerate(figures(built.text)):
        _enter(built, figure)
        if place < _TELLING:
            _know(built, figure)
            _derive(built, figure, recent)
            recent.append(figure)
    for figure in implied(built.text):
        _enter(built, figure)
    for base, known in built.values.items():
        built.values[base] = sorted(set(known))
    return built


_remembered = lru_cache(maxsize=64)(_build)
_large = lru_cache(maxsize=2)(_build)


def _enter(built: Ground, figure: Figure) -> None:
    first = figure.readings[0]
    place = Place(figure.start, figure.end, first.base, first.value)
    for base, value in _keys(figure):
        _keep(built.by_value[base, key(value)], place)
    for reading in figure.readings:
        if reading.written >= 0:
            _keep(built.by_writing[key(reading.written)], place)
        _sort_in(built.values[reading.base], reading.value)


def _know(built: Ground, figure: Figure) -> None:
    first = figure.readings[0]
    place = Place(figure.start, figure.end, first.base, first.value)
    if figure.claim:
        for stem in built.company(place).around:
            _keep(built.by_word[place.base, stem], place)


def _keep(places: list[Place], place: Place) -> None:
    if len(places) < _KEPT:
        places.append(place)


def _sort_in(values: list[float], value: float) -> None:
    if not values or values[-1] != value:
        values.append(value)


def _keys(figure: Figure) -> Iterator[tuple[str, float]]:
    for reading in figure.readings:
        base, value = reading.base, reading.value
        yield base, value
        if base == "date":
            yield from _parts(int(value))
        elif base == "%":
            yield "", value / 100
        elif base == "" and 0 < value < 1:
            yield "%", value * 100


def _parts(date: int) -> Iterator[tuple[str, float]]:
    # A full date also carries its year, its month, and any two of its parts.
    year, month, day = date // 10000, date // 100 % 100, date % 100
    yield "month", month
    if year:
        yield YEAR, year
        yield "date", year * 10000 + month * 100
    if day:
        yield "date", month * 100 + day


def _derive(built: Ground, figure: Figure, recent: Iterable[Figure]) -> None:
    last = figure.readings[0]
    for other in recent:
        first = other.readings[0]
        if first.base == last.base and first.base not in _NEVER_ADDED:
            built.derived.update(
                (base, key(value)) for base, value in _results(first.base, first.value, last.value)
            )


def _results(base: str, one: float, two: float) -> Sequence[tuple[str, float]]:
    difference = abs(one - two)
    if base == YEAR:
        return [("", difference), ("s", difference * _YEAR_SECONDS),
                ("s", (difference - 1) * _YEAR_SECONDS)]  # fmt: skip
    found = [(base, difference), (base, one + two)]
    small, large = sorted((abs(one), abs(two)))
    if large > 0:
        found += [("%", float(round(100 * small / large))), ("%", round(100 * small / large, 1))]
    return found
