"""The passage that a doubtful stretch of text should have rested on, by the words they share."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from trustlayer.sentences import split

LONGEST = 300  # characters quoted
_WORD = re.compile(r"\w+")


def nearest(text: str, context: Sequence[str]) -> str | None:
    """The sentence of *context* that shares most of its rarer words with *text*; None if none."""
    sentences = _sentences(tuple(context))
    if not sentences:
        return None
    rarity = _rarity(tuple(context))
    wanted = set(words(text))
    weights = [math.fsum(rarity[w] for w in wanted & found) for _, found in sentences]
    best = max(range(len(weights)), key=weights.__getitem__)
    if not weights[best]:
        return None
    sentence = sentences[best][0]
    return sentence if len(sentence) <= LONGEST else f"{sentence[:LONGEST]}…"


def words(text: str) -> list[str]:
    """The words of *text*, in lower case; in scripts without blanks, what stands together."""
    return _WORD.findall(text.lower())


@lru_cache(maxsize=8)  # one run asks for every doubt, and for every revision again
def _sentences(context: tuple[str, ...]) -> list[tuple[str, frozenset[str]]]:
    found = [span.of(passage) for passage in context for span in split(passage)]
    return [(" ".join(text.split()), frozenset(words(text))) for text in found]


@lru_cache(maxsize=8)
def _rarity(context: tuple[str, ...]) -> dict[str, float]:
    sentences = _sentences(context)
    counts = Counter(word for _, found in sentences for word in found)
    return {word: math.log(1.0 + len(sentences) / count) for word, count in counts.items()}
