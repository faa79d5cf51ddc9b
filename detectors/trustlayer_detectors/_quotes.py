"""Finds what an answer puts in quotation marks, in one pass over the text."""

# ruff: noqa: RUF001  # the typographic marks are meant
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from trustlayer import Span

LONGEST = 3_000  # characters; what is left open for longer was never a quotation

_PAIRS = {"“": "”", "«": "»", "„": "“”‟", "‚": "‘’", "‘": "’", "「": "」", "『": "』", "〝": "〞",
          "»": "«", "‹": "›", "＂": "＂"}  # fmt: skip
_CLOSERS = frozenset("".join(_PAIRS.values()))
_MARK = re.compile(r"[\"'“”„‟«»‹›‚‘’「」『』〝〞＂]|\n[ \t]*\n|``|''")
_CODE = re.compile(r"```.*?(?:```|\Z)|(?<!`)`(?!`)[^`\n]{1,500}`(?!`)", re.DOTALL)
_BLOCK = re.compile(r"(?:^[ \t]{0,3}>[^\n]*(?:\n|\Z))+", re.MULTILINE)
_ELISION = re.compile(r"(?:\d0?s|tis|twas|em|n|cause|til|round|s|t|re|ve|ll|d|m)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Quote:
    """A quotation: *span* with its marks, *text* without them."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class _Open:
    start: int
    inside: int
    closers: str


def without_code(text: str) -> str:
    """Blank the code in *text*; every other character keeps its place."""
    return _CODE.sub(lambda match: " " * len(match[0]), text)


def quotes(text: str) -> Iterator[Quote]:
    """Read the quotations of *text*; of nested ones the outer, block quotes last.

    Apostrophes, inch and foot marks and code are none, nor is a mark that nothing closes
    before the paragraph ends.
    """
    opened: _Open | None = None
    for match in _MARK.finditer(without_code(text)):
        if opened is not None and match.start() - opened.start > LONGEST:
            opened = None
        if match[0][0] == "\n":
            opened = None
        elif opened is None:
            opened = _opening(match, text)
        elif _closes(match, opened, text):
            yield _quote(opened, match, text)
            opened = None
    yield from _blocks(text)


def _opening(match: re.Match[str], text: str) -> _Open | None:
    mark, (start, end) = match[0], match.span()
    before, after = text[start - 1 : start], text[end : end + 1]
    if (before.isalnum() and mark not in "「『〝") or not after:
        return None
    if mark in ("'", "‘", "‚", "''"):
        if after.isspace() or mark == "''" or _ELISION.match(text, end):
            return None
        return _Open(start, end, "'" if mark == "'" else _PAIRS[mark])
    if mark in ('"', "``"):
        return _Open(start, end, '"' if mark == '"' else "''\"")
    return _Open(start, end, _PAIRS[mark]) if mark in _PAIRS else None


def _closes(match: re.Match[str], opened: _Open, text: str) -> bool:
    if match[0] not in opened.closers or match.start() == opened.inside:
        return False
    if match[0] in ("'", "’"):
        after = text[match.end() : match.end() + 1]
        return not after.isalnum() and not text[match.start() - 1].isspace()
    return True


def _quote(opened: _Open, match: re.Match[str], text: str) -> Quote:
    return Quote(Span(opened.start, match.end()), text[opened.inside : match.start()])


def _blocks(text: str) -> Iterator[Quote]:
    for match in _BLOCK.finditer(text):
        inner = re.sub(r"(?m)^[ \t]{0,3}>[ \t]?", "", match[0])
        if inner.strip(' \t\n"“”'):
            end = match.start() + len(match[0].rstrip())
            yield Quote(Span(match.start(), end), inner.strip())
