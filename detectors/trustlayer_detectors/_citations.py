"""Finds what an answer cites, and says what of it the context does not have."""

# ruff: noqa: RUF001  # the typographic marks are meant
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from trustlayer import Span
from trustlayer_detectors._quotes import without_code

_KINDS = "passage|source|document|doc|excerpt|snippet|reference|citation|context"
_NUMBERS = (
    r"\d{1,4}(?:(?:[ ]?[,;&–-][ ]?|,?[ ](?:and|or|to)[ ])"
    rf"(?:(?:{_KINDS})[ ])?\d{{1,4}}){{0,20}}"
)
_CITED = re.compile(
    rf"\[\^?(?P<mark>\d{{1,4}}(?:[ ]?[,;–-][ ]?\^?\d{{1,4}}){{0,20}})\](?!\()"
    r"|【(?P<lens>\d{1,4})[^】\n]{0,40}】"
    rf"|\b(?P<kind>{_KINDS})s?[ ]?[#(\[]?(?P<named>{_NUMBERS})(?![\w%]|[.,:]\d)",
    re.IGNORECASE,
)
_LABEL = re.compile(
    rf"(?:^|\n)[ \t]{{0,9}}[#>*(\[]{{0,3}}(?:(?:{_KINDS})[ ]?#?(?P<named>\d{{1,4}})"
    r"[ \t]{0,3}[\])]?\*{0,2}[ \t]{0,3}(?:[:.)–-]|$|\n)|\[\^?(?P<mark>\d{1,4})\])",
    re.IGNORECASE,
)
_AUTHOR = re.compile(
    r"\((?P<name>[A-Z][^\W\d_]{1,30}(?:[-'’][^\W\d_]{1,30})?)"
    r"(?:[ ]et[ ]al\.?,?|,|[ ](?:and|&)[ ][A-Z][^\W\d_]{1,30},?)[ ](?P<year>(?:19|20)\d\d)[a-z]?\)"
)
_WIDEST = 50  # passages in one range; more is not a citation


@dataclass(frozen=True, slots=True)
class Citation:
    """A mark that points to *passage*, or names an author and year (*passage* is None)."""

    span: Span
    passage: int | None
    named: str = ""


def citations(text: str) -> Iterator[Citation]:
    """Read the citations of *text*, each number of "[1, 3]" on its own; code has none."""
    bare = without_code(text)
    for match in _CITED.finditer(bare):
        span = Span(*match.span())
        for number in _numbers(match["mark"] or match["lens"] or match["named"]):
            yield Citation(span, number)
    for match in _AUTHOR.finditer(bare):
        yield Citation(Span(*match.span()), None, match["name"])


def _numbers(written: str) -> Iterator[int]:
    low: int | None = None
    for match in re.finditer(r"(\d+)|([-–]|to\b)", written):
        if match[1] is None:
            continue
        number = int(match[1])
        if low is not None and re.search(r"[-–]|to", written[: match.start()][-4:]):
            yield from range(low + 1, min(number, low + _WIDEST))
        yield number
        low = number


def labels(context: Sequence[str]) -> frozenset[int]:
    """Return the numbers that a citation may point to.

    A context may hold labelled passages ("passage 2: …", "[2] …") in one text; these count,
    and so does the place of each text.
    """
    found = {
        int(match["named"] or match["mark"]) for text in context for match in _LABEL.finditer(text)
    }
    marks = {int(number) for text in context for number in re.findall(r"\[\^?(\d{1,4})\]", text)}
    return frozenset(found | marks | set(range(1, len(context) + 1)))
