"""Sets some of a user's rows apart, to measure on."""

from __future__ import annotations

import random
from collections.abc import Sequence

from trustlayer.judgements import JudgedLine

SHARE = 0.2


def held_out(lines: Sequence[JudgedLine], seed: int) -> tuple[list[JudgedLine], list[JudgedLine]]:
    """Return the lines to learn from and those to measure on; a group is never divided.

    Lines without a group belong together when their context is the same, else by their answer.
    Raises ValueError when there is nothing to learn from.
    """
    groups = sorted({_group(line) for line in lines})
    random.Random(seed).shuffle(groups)
    apart = set(groups[: round(SHARE * len(groups))])
    learned = [line for line in lines if _group(line) not in apart]
    if len({line.bad for line in learned}) < 2:
        raise ValueError(
            f"{len(lines)} labelled answers, of which those to learn from are all "
            f"{'bad' if learned and learned[0].bad else 'good'}: expected some of both"
        )
    return learned, [line for line in lines if _group(line) in apart]


def _group(line: JudgedLine) -> str:
    exchange = line.line.exchange
    return line.group or "\n".join(exchange.context) or exchange.answer
