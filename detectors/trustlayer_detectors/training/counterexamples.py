"""Our own minimal pairs: words used against somebody, and the same words only mentioned.

Quoting, reporting, counter-speech, negation, identity terms in harmless sentences, and
prompts that sound dangerous but are not. Templates, not rows, are divided into those that
train and those that are held out, so that what is measured is never what was learnt.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from trustlayer_detectors.training.counterexample_texts import (
    MENTIONS,
    MORE_MENTIONS,
    MORE_USES,
    USES,
    WORDS,
)

KINDS = ("quoting", "reporting", "counter_speech", "negation", "identity", "figurative")


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A text with the labels that it has by construction; *kind* is `use` where it offends."""

    text: str
    labels: Mapping[str, float]
    kind: str
    prompt: str | None = None


_HELD_OUT_MENTIONS, _HELD_OUT_USES = 2, 3
_ABUSE: Sequence[str] = ("toxicity", "insult", "identity_hate", "threat", "sexual", "obscene")


def counterexamples(
    count: int, seed: int, *, held_out: bool, more: bool = False
) -> list[Counterexample]:
    """Draw about *count* different texts, more mentions than uses."""
    drawn = random.Random(seed)
    mentions = [(kind, t, ()) for kind, t in _mentions(held_out=held_out, more=more)]
    uses = [("use", t, labels) for t, labels in _uses(held_out=held_out, more=more)]
    made: dict[str, Counterexample] = {}
    for _ in range(count):
        pool = mentions if drawn.random() < 0.6 else uses
        kind, template, labels = drawn.choice(pool)
        text = fill(template, drawn)
        made[text] = Counterexample(text, _labels(labels, template), kind)
    return list(made.values())


def _mentions(*, held_out: bool, more: bool) -> Iterator[tuple[str, str]]:
    part = slice(-_HELD_OUT_MENTIONS, None) if held_out else slice(-_HELD_OUT_MENTIONS)
    for kind, templates in MENTIONS.items():
        yield from ((kind, template) for template in templates[part])
        yield from ((kind, template) for template in (MORE_MENTIONS[kind] if more else ()))


def _uses(*, held_out: bool, more: bool) -> list[tuple[str, Sequence[str]]]:
    part = slice(-_HELD_OUT_USES, None) if held_out else slice(-_HELD_OUT_USES)
    return [*USES[part], *(MORE_USES if more else ())]


def _labels(present: Sequence[str], template: str) -> dict[str, float]:
    labels: dict[str, float] = dict.fromkeys(_ABUSE, 0.0)
    if present:
        labels |= dict.fromkeys(("toxicity", *present), 1.0)
        if "{insult}" in template:  # some of the words are obscene, some are not
            del labels["obscene"]
    return labels


def fill(template: str, drawn: random.Random) -> str:
    """Put words of ours into the fields of *template*, a capital at its start."""
    fields = {name for _, name, _, _ in Formatter().parse(template) if name}
    text = template.format(**{name: drawn.choice(WORDS[name]) for name in sorted(fields)})
    for vowel in "aeiou":
        text = text.replace(f" a {vowel}", f" an {vowel}")
    return text[0].upper() + text[1:]
