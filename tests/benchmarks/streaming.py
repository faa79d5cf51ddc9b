"""What stopping a stream early saves, on recorded answers with human spans.

Run: python tests/benchmarks/streaming.py RECORDED.jsonl.gz [MODEL]

Each answer is examined as a stream is: every beginning that ends with a sentence. The limit is
the split-conformal one on the largest risk of clean answers, calibrated on half of the questions
and tried on the other half, over many splits. The ceiling is a detector that knows the human
spans: it stops at the first sentence that one touches.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trustlayer import Exchange, Finding, load
from trustlayer.calibration import conformal
from trustlayer.segments import Segments

RATES = (0.05, 0.1, 0.2)  # of clean answers that may be stopped
SPLITS = 200


@dataclass(frozen=True)
class Streamed:
    """One answer: where its sentences end, the risk at each of these, the first wrong one."""

    bad: bool
    ends: tuple[int, ...]
    risks: tuple[float, ...]
    first_wrong: int | None

    @property
    def highest(self) -> float:
        return max(self.risks)

    def stop(self, limit: float) -> int | None:
        """The sentence at which the stream is stopped."""
        over = [n for n, risk in enumerate(self.risks) if risk > limit]
        return over[0] if over else None

    def saved(self, sentence: int) -> float:
        """The share of the text that is never generated."""
        return 1.0 - self.ends[sentence] / self.ends[-1]

    def kept(self, sentence: int) -> float:
        """The share of the text that had passed."""
        return (self.ends[sentence - 1] if sentence else 0) / self.ends[-1]


def read(path: str, model: str) -> list[Streamed]:
    detector = load("grounding")
    found: list[Streamed] = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            for response in row["responses"]:
                if response["model"] == model and response["text"].strip():
                    found.append(_streamed(detector, row, response))
    return found


def _streamed(detector: Any, row: Any, response: Any) -> Streamed:
    segments, text = Segments(), response["text"]
    ends, at = [], 0
    for sentence in [*segments.feed(text), *segments.flush()]:
        at += len(sentence)
        ends.append(at)
    exchanges = [Exchange(row["question"], text[:end], (row["context"],)) for end in ends]
    risks = [f.risk if isinstance(f, Finding) else 1.0 for f in detector.examine(exchanges)]
    starts = [span["start"] for span in response["spans"]]
    wrong = [n for n, end in enumerate(ends) if any(start < end for start in starts)]
    bad = bool(response["hallucinated"])
    return Streamed(bad, tuple(ends), tuple(risks), wrong[0] if bad and wrong else None)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def main(path: str, model: str) -> None:
    answers = read(path, model)
    bad = [a for a in answers if a.bad and a.first_wrong is not None]
    print(f"{model}: {len(answers)} answers, {len(bad)} with a hallucination")
    ceiling = [(a.saved(n), a.kept(n)) for a in bad if (n := a.first_wrong) is not None]
    print(
        f"ceiling: saved {mean([s for s, _ in ceiling]):.3f}, kept "
        f"{mean([k for _, k in ceiling]):.3f} of the text of those"
    )
    print("rate   clean stopped  caught  before onset  saved (caught)  kept (caught)")
    for rate in RATES:
        print(
            f"{rate:4}   "
            + "  ".join(f"{mean(column):.3f}" for column in over_splits(answers, rate))
        )


def over_splits(answers: Sequence[Streamed], rate: float) -> list[list[float]]:
    """What came of the other half under the limits that each split's first half gives."""
    tally: list[tuple[float, ...]] = []
    for number in range(SPLITS):
        order = random.Random(number).sample(answers, len(answers))
        half = len(order) // 2
        limit = conformal([a.highest for a in order[:half] if not a.bad], rate)
        if limit is not None:
            tally.append(_tried(order[half:], limit))
    return [[v for v in column if v == v] for column in zip(*tally, strict=True)]


def _tried(answers: Sequence[Streamed], limit: float) -> tuple[float, ...]:
    clean = [a.stop(limit) is not None for a in answers if not a.bad]
    bad = [(a, a.stop(limit)) for a in answers if a.bad]
    caught = [(a, n) for a, n in bad if n is not None]
    early = [n < a.first_wrong for a, n in caught if a.first_wrong is not None]
    return (
        mean(clean),
        mean([n is not None for _, n in bad]),
        mean(early),
        mean([a.saved(n) for a, n in caught]),
        mean([a.kept(n) for a, n in caught]),
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "llama-2-7b-chat")
