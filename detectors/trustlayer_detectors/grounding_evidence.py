"""Chooses, for one sentence of an answer, the sentences of the context to read beside it."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_LEANS = re.compile(
    r"\W*(?:he|she|it|they|him|her|them|his|its|their|this|that|these|those|such|both|"
    r"the (?:former|latter|same|two|company|film|team|author|process))\b",
    re.IGNORECASE,
)


def leans(sentence: str) -> bool:
    """Tell whether *sentence* opens with a word that points back to the one before."""
    return _LEANS.match(sentence) is not None


def choose(
    similarity: Floats, rarity: Floats, lengths: npt.NDArray[np.int64], budget: int
) -> list[int]:
    """Return the context sentences that together cover a claim best, in text order.

    *similarity* holds the best match of each of the claim's tokens (rows) in each sentence
    (columns), *rarity* the weight of each token. Greedy: the sentence that adds most to
    what is already covered comes next (facility location, within 1 - 1/e of the best
    choice; Nemhauser et al. 1978), as long as *budget* tokens are not exceeded.
    """
    covered = np.zeros(len(rarity), np.float32)
    worth = rarity @ similarity
    chosen: list[int] = []
    left = budget
    open_ = np.ones(len(lengths), bool)
    while True:
        open_ &= (lengths <= left) | (not chosen)
        if not open_.any():
            return sorted(chosen)
        gain = rarity @ np.maximum(similarity - covered[:, None], 0)
        # Once all is covered, what resembles the claim as a whole fills the room.
        best = int(np.argmax(np.where(open_, gain + 0.05 * worth, -1)))
        chosen.append(best)
        open_[best] = False
        left -= int(lengths[best])
        covered = np.maximum(covered, similarity[:, best])
