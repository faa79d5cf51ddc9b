"""What changed from one text to the next, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORDS = re.compile(r"\s+|\d+(?:[.,:/]\d+)*|\w+|[^\w\s]")
_LINES = re.compile(r"[^\n.!?]+[\n.!?]*\s*|[\n.!?]+\s*")
_COSTLY = 4_000_000  # pairs of parts; above it, coarser parts are compared, or none


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one of the texts; *changed* says that the other one lacks it."""

    text: str
    changed: bool


def differences(before: str, after: str) -> tuple[list[Part], list[Part]]:
    """Both texts, whole and in order, in parts that are or are not in the other one as well."""
    for pattern in (_WORDS, _LINES):
        old, new = pattern.findall(before), pattern.findall(after)
        if len(old) * len(new) <= _COSTLY:
            return _compared(old, new)
    same = before == after
    return [Part(before, not same)], [Part(after, not same)]


def _compared(old: Sequence[str], new: Sequence[str]) -> tuple[list[Part], list[Part]]:
    left: list[Part] = []
    right: list[Part] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for what, i, j, m, n in matcher.get_opcodes():
        left.append(Part("".join(old[i:j]), what != "equal"))
        right.append(Part("".join(new[m:n]), what != "equal"))
    return list(_joined(left)), list(_joined(right))


def _joined(parts: Sequence[Part]) -> Iterator[Part]:
    # A blank between two changed words is part of the change: it reads better.
    held: list[Part] = []
    for n, part in enumerate(parts):
        between = 0 < n < len(parts) - 1 and not part.text.strip()
        around = between and parts[n - 1].changed and parts[n + 1].changed
        part = Part(part.text, part.changed or around)
        if held and held[-1].changed != part.changed:
            yield Part("".join(p.text for p in held), held[-1].changed)
            held = []
        if part.text:
            held.append(part)
    if held:
        yield Part("".join(p.text for p in held), held[-1].changed)
