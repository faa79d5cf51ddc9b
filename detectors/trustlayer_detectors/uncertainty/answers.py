"""Reads short answers so that those which differ only in wording compare equal.

A maths answer may stand in LaTeX, in a box, as a fraction, with a unit or in a sentence; a
name may come with an article, a bracket or a full stop. Whatever is not understood is
compared as text: nothing is guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose

from trustlayer_detectors._units import Unit, unit_after
from trustlayer_detectors.uncertainty.latex import plain

PHRASE = 5  # words; a name, a number with its unit
SHORT = 25  # words; beyond that an answer is a text, and agreement a matter of meaning

_NUMBER = re.compile(
    r"(?<![\w.])(?P<sign>[-−+]\s?)?(?P<money>[$€£¥]\s?)?(?P<minus>-)?"  # noqa: RUF001
    r"(?:(?P<whole>\d+)\s(?P<top>\d+)/(?P<bottom>\d+)"
    r"|(?P<numerator>\d+(?:\.\d+)?)\s?/\s?(?P<denominator>\d+(?:\.\d+)?)"
    r"|(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.?\d*|\.\d+)(?:e(?P<power>[-+]?\d{1,3}))?)"
    r"(?![\d/])",
    re.IGNORECASE,
)
_MARKED = re.compile(
    r"(?:####|\b(?:final |correct )?answer(?: is)?\s?[:=]|\banswer is\b)\s*(?P<rest>[^\n]+)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")  # noqa: RUF001


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_FILLERS = _set(
    """
    a an the of in on at to is are was were be it its it's that this for by from and
    about approximately roughly around equal equals equal's would will he she they
    you i we has have had answer final total totals usd dollars dollar
    """
)
_NUMERALS = {
    word: value
    for value, word in enumerate(
        (
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            *("ten", "eleven", "twelve"),
        )
    )
}
_MONEY = _set("USD EUR GBP JPY INR CNY")
_NEGATIONS = _set(
    """
    no not none never nobody nothing neither nor cannot can't isn't
    """
)


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as *written*, and its *value* in *unit*, the canonical one of its dimension."""

    unit: str
    value: float
    written: float

    def same(self, other: Amount) -> bool:
        """Whether both are one amount; a number without a unit may have any."""
        if self.unit == other.unit:
            return isclose(self.value, other.value, rel_tol=1e-9, abs_tol=1e-12)
        bare = not self.unit or not other.unit
        return bare and isclose(self.written, other.written, rel_tol=1e-9, abs_tol=1e-12)


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says: its amounts in canonical units, and its content words."""

    amounts: tuple[Amount, ...]
    words: frozenset[str]
    text: str

    def same(self, other: Reading) -> bool:
        """Whether one says what the other says, though perhaps in other or more words."""
        if self.text == other.text:
            return True
        return self.within(other) or other.within(self)

    def within(self, other: Reading) -> bool:
        """Whether all that this one says is said by the *other*, too."""
        if not self.amounts and not self.words:
            return False
        if (self.words ^ other.words) & _NEGATIONS or not self.words <= other.words:
            return False
        return not self.amounts or _equal(self.amounts, other.amounts)


def read(answer: str, question: str = "") -> Reading:
    """Read a short *answer*; words that it takes from the *question* say nothing, if others do."""
    text = _normal(_final(plain(answer)))
    amounts, rest = _amounts(text)
    words = [word.casefold() for word in _WORD.findall(rest)]
    spelled = [word for word in words if word in _NUMERALS]
    if not amounts and len(spelled) == 1:
        number = float(_NUMERALS[spelled[0]])
        amounts = [Amount("", number, number)]
        words = [word for word in words if word not in spelled]
    content = frozenset(word for word in words if word not in _FILLERS)
    told = content - _asked(question) - _NEGATIONS
    if told or amounts:
        content = told | content & _NEGATIONS
    return Reading(tuple(amounts), content, " ".join(text.casefold().split()))


def _asked(question: str) -> frozenset[str]:
    return frozenset(_WORD.findall(question.casefold()))


def short(answer: str) -> bool:
    """Whether *answer* is so short that comparing its words and figures tells its meaning."""
    return len(plain(answer).split()) <= SHORT


def _final(text: str) -> str:
    """The part that is marked as the answer, or what an equation comes to."""
    if marked := _MARKED.search(text):
        text = marked["rest"]
    return text.rsplit("=", 1)[1] if re.search(r"=\s*[^=\s]", text) else text


def _normal(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\u2044", "/")
    return re.sub(r"\([^)]*\)?", " ", text) if re.search(r"[^\s(]\s*\(", text) else text


def _amounts(text: str) -> tuple[list[Amount], str]:
    """The amounts of *text*, and the text without them."""
    found: list[Amount] = []
    rest: list[str] = []
    end = 0
    for match in _NUMBER.finditer(text):
        value = _value(match)
        if match.start() < end or value is None:
            continue
        rest.append(text[end : match.start()])
        units, end = unit_after(text, match.end())
        unit = units[0] if units and not match["money"] else Unit("")
        dimension = "" if unit.base in _MONEY else unit.base  # "$5" is "5"
        found.append(Amount(dimension, value * unit.factor, value))
    return found, " ".join([*rest, text[end:]])


def _equal(ones: Sequence[Amount], others: Sequence[Amount]) -> bool:
    # In order: (3, 4) is another point than (4, 3).
    return len(ones) == len(others) and all(map(Amount.same, ones, others))


def _value(match: re.Match[str]) -> float | None:
    sign = -1.0 if "-" in f"{match['sign']}{match['minus']}".replace("−", "-") else 1.0  # noqa: RUF001
    if match["whole"] is not None:
        bottom = float(match["bottom"])
        return sign * (float(match["whole"]) + float(match["top"]) / bottom) if bottom else None
    if match["numerator"] is not None:
        bottom = float(match["denominator"])
        return sign * float(match["numerator"]) / bottom if bottom else None
    digits = f"{match['digits'].replace(',', '')}e{match['power'] or 0}"
    return sign * float(digits)
