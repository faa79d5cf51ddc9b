"""What a prompt tells before anything is answered: each sign in [0, 1], 1 is the hardest.

The cheapest predictors of failure (compare Kadavath et al., arXiv 2207.05221, on P(IK)); they
break ties among answers that all samples repeat.
"""

from __future__ import annotations

import re
from math import log1p

LONGEST = 120  # words; beyond that a prompt is not taken to be harder
MOST = 8  # parts and multiples

_PARTS = re.compile(
    r"\d\s?/\s?\d|%|\b(?:percent\w*|half|halves|thirds?|quarters?|fifths?|tenths?|twice|thrice"
    r"|times|doubled?|doubles|tripled?|triples|ratio|average)\b",
    re.IGNORECASE,
)


def difficulty(prompt: str) -> float:
    """How much there is to a prompt, by its length."""
    words = min(len(prompt.split()), LONGEST)
    return log1p(words) / log1p(LONGEST)


def proportions(prompt: str) -> float:
    """How many parts, percentages and multiples it reckons with, where plain sums are easier."""
    return log1p(min(len(_PARTS.findall(prompt)), MOST)) / log1p(MOST)
