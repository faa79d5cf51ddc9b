"""What a second pass adds: more harmless frames, and real rows quoted or meant.

What somebody really wrote is more varied than anything that we would think of: short abusive
rows of the training data are put into our frames of quotation, where they offend nobody, and
into those in which the writer means them; clean rows as well, so that no frame gives it away.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trustlayer_detectors.training import counterexample_texts as mentions
from trustlayer_detectors.training import counterexample_uses as uses
from trustlayer_detectors.training.counterexamples import (
    ABUSE,
    Counterexample,
    Kind,
    counterexamples,
    fill,
    quoted,
)

Row = Mapping[str, Any]

_IDENTITY: Sequence[str] = (
    "{group} work, pay taxes and raise children like everybody else.",
    "I grew up among {group} and learnt a lot from them.",
    "{group} have shaped the music of this city.",
    "What do {group} celebrate in spring?",
    "The {identity} {job} on the second floor is helpful and kind.",
    "{group} deserve better housing.",
    "A {identity} woman was elected mayor.",
    "I'm {identity} and I love my life.",
    "The party was full of {identity} students, and we danced until two.",
    "My wife is {identity}, I am not, and we are happy.",
    "{group} are people, and people differ.",
    "Thank you to all {group} who helped at the hospital.",
    "There are {group} in every profession.",
    "Our {identity} teacher taught us {activity}.",
    "The law protects {group} against discrimination.",
    "What was life like for {group} a hundred years ago?",
    "{group} often report that nobody at work listens to them.",
    "I enjoy talking with {group} about their faith and their food.",
    "Only two of the nine judges are {identity}.",
    "He wrote his thesis on the health of {group}.",
    "Being {identity} in a small town can be lonely.",
    "{group} are great, and I am glad that they live here.",
    "We need more {identity} people in politics.",
    "The novel is about two {identity} brothers.",
    "She told her parents that she is {identity}, and they hugged her.",
    "Happy holidays to all {group}!",
    "{group} know best what {group} need.",
    "This film has a {identity} hero for once.",
)
_NEGATION: Sequence[str] = (
    "{group} are no more {slander} than anybody else.",
    "Nothing about {group} is {slander}.",
    "It's a myth that {group} are {slander}.",
    "You should never say that {group} are {slander}.",
    "I refuse to believe that {group} are {slander}.",
    "{group} don't deserve hate.",
    "We do not think that {group} should {fate}.",
    "Nobody should {fate}, and {group} least of all.",
    "I do not hate {group}, I love them.",
    "It isn't fair to hate {group}.",
    "{group} never hurt me.",
    "You cannot judge all {group} by one man.",
    "Not all {group} are the same, and hardly any are {slander}.",
    "Do {group} have to {fate}? Certainly not.",
    "I am not saying that {group} are {slander}, quite the opposite.",
    "She isn't a {insult}, she is just shy.",
    "You were never a {insult} to me.",
    "Don't let anybody tell you that you are a {insult}.",
    "I'd be the last to call you a {insult}.",
    "No one wants to {harm}, you are safe here.",
)
_FIGURATIVE: Sequence[str] = (
    "This dumb {thing} drives me crazy.",
    "{food}? No thanks, they are disgusting.",
    "I loathe Mondays.",
    "Chop the herbs, crush the garlic and pound the meat.",
    "The storm killed the power for two hours.",
    "We got destroyed in the final, but it was fun.",
    "The donkey, or ass, was tied to a fence.",
    "Shoot the free throw with your elbow in.",
    "My code is garbage, please review it.",
    "The program crashed, so I killed it and started again.",
    "That sad ending stabbed me in the heart.",
    "My {thing} is an idiot, it never hears what I say.",
)
_MORE: Sequence[Kind] = (
    Kind("identity", _IDENTITY, 0, 0.5),
    Kind("negation", _NEGATION, 0, 0.3),
    Kind("figurative", _FIGURATIVE, 0, 0.2),
)
_LABELLED = 0.65  # what raters agree on
_SHORT, _LONG = 12, 160  # characters of a row that is quoted


def more(rows: Sequence[Row], count: int, seed: int) -> list[Counterexample]:
    """Draw about *count* texts: a half as in the first stage, a quarter each of what is new."""
    drawn = random.Random(seed)
    old = counterexamples(count // 2, seed, held_out=False)
    new = counterexamples(count // 4, seed, held_out=False, kinds=_MORE)
    return [*old, *new, *_framed(rows, count // 4, drawn)]


def _framed(rows: Sequence[Row], count: int, drawn: random.Random) -> Iterator[Counterexample]:
    bad = [row for row in rows if _short(row) and _abusive(row)]
    good = [row for row in rows if _short(row) and _clean(row)]
    told = [f for f in (*mentions.QUOTING[:-12], *mentions.COUNTER_SPEECH[:-12]) if _open(f)]
    meant = [f for f in (*uses.MARKED[:-10], *uses.HIDDEN[:-10]) if _open(f)]
    for _ in range(count):
        kind, frames, pool = drawn.choices(
            (("quoting", told, bad), ("use_marked", meant, bad), ("clean", [*told, *meant], good)),
            (0.5, 0.3, 0.2),
        )[0]
        yield _example(drawn.choice(pool), kind, drawn.choice(frames), drawn)


def _example(row: Row, kind: str, frame: str, drawn: random.Random) -> Counterexample:
    said = row["text"].strip().rstrip(".!,").replace("{", "(").replace("}", ")")
    text = fill(quoted(frame, said, drawn), drawn, held_out=False)
    labels = row["labels"] if kind == "use_marked" else dict.fromkeys(ABUSE, 0.0)
    return Counterexample(text, labels, kind, frame)


def _open(frame: str) -> bool:
    return "{q}" in frame or "{a}" in frame


def _short(row: Row) -> bool:
    return not row["prompt"] and _SHORT < len(row["text"]) < _LONG and "\n" not in row["text"]


def _abusive(row: Row) -> bool:
    labels = row["labels"]  # what is lewd stays so when it is quoted
    return (labels.get("toxicity") or 0) >= _LABELLED and (labels.get("sexual") or 0) < 0.5


def _clean(row: Row) -> bool:
    known = row["labels"].get("toxicity")
    return known is not None and known < 0.1
