"""How the cost of `grounding` grows with the length of the context, and of the answer.

    python tests/benchmarks/grounding_length.py [--most 20000] [--turns 3]

Texts of our own, of which no sentence is repeated; seconds of one core (other programs do not
count), nothing remembered from one examination to the next, the median of some turns. An
exponent of 1 means that twice the words cost twice as much.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import time

import numpy as np

_PLACES = ("Arvika", "Bergen", "Cork", "Delft", "Esch", "Faro", "Gdynia", "Husum", "Ivrea")
_THINGS = ("mill", "bridge", "library", "tannery", "harbour", "orchard", "museum", "school")
_DEEDS = ("was opened by", "was sold to", "was rebuilt for", "was painted by", "was left to")
_PEOPLE = ("a widow", "the guild", "two brothers", "the council", "a surveyor", "the bishop")


def sentences(words: int, seed: int) -> str:
    """Return about *words* words in sentences of some 17."""
    draw = random.Random(seed)
    found: list[str] = []
    total = 0
    while total < words:
        place, thing = draw.choice(_PLACES), draw.choice(_THINGS)
        deed, people = draw.choice(_DEEDS), draw.choice(_PEOPLE)
        found.append(
            f"The {thing} of {place} {deed} {people} in {draw.randint(1700, 1999)}, and "
            f"{draw.randint(3, 980)} of its {draw.randint(981, 4000)} stones were replaced."
        )
        total += len(found[-1].split())
    return " ".join(found)


def cost(context: str, answer: str, turns: int) -> float:
    """Return the median of the seconds of one core that an examination takes."""
    from trustlayer import Exchange, load
    from trustlayer.forgetting import forget_all

    detector = load("grounding")
    taken = []
    for _ in range(turns):
        forget_all()
        begun = time.process_time()
        detector.examine([Exchange("What happened to it?", answer, (context,))])
        taken.append(time.process_time() - begun)
    return statistics.median(taken)


def exponent(lengths: list[int], seconds: list[float]) -> float:
    """Return the slope of the line through the logarithms."""
    return float(np.polyfit(np.log(lengths), np.log(seconds), 1)[0])


def doubled(most: int) -> list[int]:
    return sorted(most // 2**step for step in range(6))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--most", type=int, default=20_000, help="words of the longest context")
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    os.environ["TRUSTLAYER_THREADS"] = "1"
    context, answer = sentences(1_000, 1), sentences(90, 2)
    cost(context, answer, 1)  # loads the models
    longer = doubled(given.most)
    print("words of context  seconds  (an answer of 90 words)")
    found = [cost(sentences(words, 1), answer, given.turns) for words in longer]
    for words, seconds in zip(longer, found, strict=True):
        print(f"{words:16d}  {seconds:7.2f}")
    print(f"exponent {exponent(longer[2:], found[2:]):.2f} over the longest four")
    answers = doubled(4_000)
    print("words of answer   seconds  (a context of 1,000 words)")
    found = [cost(context, sentences(words, 2), given.turns) for words in answers]
    for words, seconds in zip(answers, found, strict=True):
        print(f"{words:15d}   {seconds:7.2f}")
    print(f"exponent {exponent(answers[2:], found[2:]):.2f} over the longest four")


if __name__ == "__main__":
    main()
