# ruff: noqa: RUF001  # typographic and non-Latin marks are what this module is about
"""Cuts a text into sentences, always in the same way and in linear time.

Rules rather than a model: what is shown to a reader as doubtful must not move when a
dependency is updated. Abbreviations, initials, decimals, citation marks, lists, table rows,
code fences and the full stops of other scripts are understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustlayer.exchange import Span

LONGEST = 1_200  # characters; what runs on for longer is cut at a blank


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words(
    "mr mrs ms dr prof rev hon st mt ft gen col sgt lt capt cmdr gov sen rep pres messrs mx"
)
_LATIN = _words("e.g i.e cf al vs viz approx ca resp incl excl esp")
_BEFORE_NUMBERS = _words("no nos fig figs eq eqs sec ch vol p pp art ver op")
_MAY_END = _words(
    "inc ltd co corp bros jr sr etc dept univ est ave blvd rd jan feb mar apr jun jul aug sep sept "
    "oct nov dec mon tue wed thu fri sat sun min max"
)
_STARTERS = _words(
    "the a an in on at it he she they we this that these those there here however but and as for "
    "if when while after before according to from by with you i its his her their our your my "
    "some many most all both each other another no not so then thus therefore also although "
    "because since during what who why how where which is are was were do does did"
)
_FENCE = re.compile(r"\s*(?:```|~~~)")
_NEW_LINE_STARTS = re.compile(
    r"\s*(?:[-*+•‣◦–—▪·]\s|#{1,6}\s|[|>{}\[]|\(?(?:\d{1,3}|[a-z])[.)]\s|\"[^\"\n]{1,60}\"\s*:)"
)
_MARKER = re.compile(r"\W*(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})")
# Possessive throughout, and begun at the first mark only: a megabyte of dots stays linear.
_CLOSERS = r"[\"'”’»)\]*_]*+"
_CITATIONS = r"(?:\s?\[\d+(?:\s*[,–-]\s*\d+)*\])*+"
_END = re.compile(
    rf"(?<![.!?…])[.!?…]++{_CLOSERS}{_CITATIONS}(?=\s|$)"
    rf"|[。！？｡]+[”’」』）\"]*"
    rf"|[؟۔।॥]+(?=\s|$)"
)
_WORD = re.compile(r"[^\W\d_]+")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")


def split(text: str) -> list[Span]:
    """Return the sentences of *text*, in order, without the white space around them.

    Together they hold every character that is not white space; none is empty, none is
    longer than `LONGEST`.
    """
    return [
        short
        for block in _blocks(text)
        for sentence in _sentences(text, block)
        for short in _shortened(text, sentence)
    ]


def _blocks(text: str) -> Iterator[Span]:
    """Join the lines that run on; code fences stay whole."""
    start = end = 0
    fenced = False
    for line in text.splitlines(keepends=True):
        marks_fence = _FENCE.match(line) is not None
        if not fenced and (marks_fence or not _runs_on(text[max(start, end - 200) : end], line)):
            yield Span(start, end)
            start = end
        end += len(line)
        if marks_fence:
            fenced = not fenced
            if not fenced:
                yield Span(start, end)
                start = end
    yield Span(start, end)


def _runs_on(tail: str, line: str) -> bool:
    before = tail.rstrip()
    if not before or not line.strip() or _NEW_LINE_STARTS.match(line):
        return False
    if " | " in line or "\t" in line:  # a row of a table
        return False
    if before[-1] in ".!?:;。！？" or "\n\n" in tail[len(before) :]:
        return False
    last_line = before.rsplit("\n", 1)[-1]
    return line.lstrip()[0].islower() or before[-1] == "," or len(last_line) >= 50


def _sentences(text: str, block: Span) -> Iterator[Span]:
    if _FENCE.match(text, block.start, block.end):
        yield block
        return
    start = block.start
    lower = text[block.start : min(block.end, block.start + 2_000)].islower()
    for match in _END.finditer(text, block.start, block.end):
        if _ends(text, start, match, block.end, lower):
            yield Span(start, match.end())
            start = match.end()
    yield Span(start, block.end)


def _ends(text: str, start: int, match: re.Match[str], stop: int, lower: bool) -> bool:
    mark = match.group()
    following = text[match.end() : min(stop, match.end() + 40)].lstrip()
    if mark[0] in "。！？｡؟۔।॥" or not following:
        return True
    if following[0].islower() and not lower and text[match.start() - 1 : match.start()] != " ":
        return False
    return (
        not mark.startswith(".")
        or mark.startswith("..")
        or _full_stop(
            text[max(start, match.start() - 24) : match.start()], match.start() - start, following
        )
    )


def _full_stop(before: str, length: int, following: str) -> bool:
    if length <= 6 and _MARKER.fullmatch(before):  # the "1." that opens a list item
        return False
    word = before.split()[-1].lstrip("(\"'“‘[") if before.split() else ""
    lowered = word.lower()
    if lowered in _TITLES or lowered in _LATIN:
        return False
    if lowered in _BEFORE_NUMBERS:
        return not following[0].isdigit()
    if lowered in _MAY_END or _INITIALS.fullmatch(word):
        opening = _WORD.match(following.lstrip("\"'“‘(["))
        return opening is not None and opening.group().lower() in _STARTERS
    return True


def _shortened(text: str, sentence: Span) -> Iterator[Span]:
    """Strip *sentence*, and cut it where it is too long."""
    start, end = sentence.start, sentence.end
    while end - start > LONGEST:
        cut = max(text.rfind(" ", start + LONGEST // 2, start + LONGEST), start + LONGEST // 2)
        yield from _stripped(text, start, cut)
        start = cut
    yield from _stripped(text, start, end)


def _stripped(text: str, start: int, end: int) -> Iterator[Span]:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    end -= len(part) - len(part.rstrip())
    if start < end:
        yield Span(start, end)
