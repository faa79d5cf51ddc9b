"""From what each word piece adds to a risk to the words that a reader is shown."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trustlayer import Span
from trustlayer_detectors._models.pieces import Pieces
from trustlayer_detectors._models.sessions import Floats

_STRONG = 0.3  # of the strongest word's share: words weaker than that are not shown
_DIFFUSE = 0.4  # where more of the words than that are strong, the whole stretch is meant


def strongest(pieces: Pieces, shares: Floats) -> list[Span]:
    """Return the words of *pieces* with the largest *shares*, neighbours joined.

    Where no word stands out, one span holds all of them: then it is said by the whole.
    """
    words = list(_words(pieces))
    added = np.array([float(shares[word].sum()) for word in words])
    strong = added >= max(_STRONG * float(added.max()), 1e-6)
    if len(words) > 3 and not 0 < float(strong.mean()) <= _DIFFUSE:
        strong[:] = True
    return list(_runs(pieces, words, np.flatnonzero(strong).tolist()))


def _words(pieces: Pieces) -> Iterator[slice]:
    """Yield the pieces of each word: those that touch."""
    start = 0
    for place in range(1, len(pieces) + 1):
        if place == len(pieces) or pieces.starts[place] > pieces.ends[place - 1]:
            yield slice(start, place)
            start = place


def _runs(pieces: Pieces, words: list[slice], chosen: list[int]) -> Iterator[Span]:
    first = 0
    for place, word in enumerate(chosen):
        if place + 1 == len(chosen) or chosen[place + 1] != word + 1:
            start = int(pieces.starts[words[chosen[first]].start])
            yield Span(start, int(pieces.ends[words[word].stop - 1]))
            first = place + 1


def whole(pieces: Pieces) -> Span:
    """Return the stretch from the first of *pieces* to the last."""
    return Span(int(pieces.starts[0]), int(pieces.ends[-1]))
