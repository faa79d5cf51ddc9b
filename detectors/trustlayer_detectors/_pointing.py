"""From what each word piece adds to a risk to the words that a reader is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from trustlayer import Span
from trustlayer_detectors._models.pieces import Pieces
from trustlayer_detectors._models.sessions import Floats

_STRONG = 0.3  # of the strongest share: what adds less than that is not shown
_DIFFUSE = 0.4  # where more of the words than that are strong, whole sentences are meant


def words(sentence: Pieces, shares: Floats) -> list[Span]:
    """Return the words of *sentence* with the largest *shares*, neighbours joined.

    Where no word stands out, the whole of it is meant, and returned.
    """
    found = list(_words(sentence))
    strong = _strong(shares, found)
    if len(found) > 3 and not 0 < len(strong) <= _DIFFUSE * len(found):
        strong = list(range(len(found)))
    return list(_runs(sentence, found, strong))


def strongest(pieces: Pieces, shares: Floats, parts: Sequence[slice]) -> list[Span]:
    """Return those of *parts* to which the largest *shares* belong, neighbours joined."""
    return list(_runs(pieces, parts, _strong(shares, parts)))


def _strong(shares: Floats, parts: Sequence[slice]) -> list[int]:
    added = np.array([float(shares[part].sum()) for part in parts])
    top = float(added.max())
    return np.flatnonzero(added >= (_STRONG * top if top > 0 else top)).tolist()


def _words(pieces: Pieces) -> Iterator[slice]:
    """Yield the pieces of each word: those that touch."""
    start = 0
    for place in range(1, len(pieces) + 1):
        if place == len(pieces) or pieces.starts[place] > pieces.ends[place - 1]:
            yield slice(start, place)
            start = place


def _runs(pieces: Pieces, parts: Sequence[slice], chosen: Sequence[int]) -> Iterator[Span]:
    first = 0
    for place, part in enumerate(chosen):
        if place + 1 == len(chosen) or chosen[place + 1] != part + 1:
            start = int(pieces.starts[parts[chosen[first]].start])
            yield Span(start, int(pieces.ends[parts[part].stop - 1]))
            first = place + 1
