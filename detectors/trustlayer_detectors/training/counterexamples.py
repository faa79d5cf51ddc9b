"""Our own minimal pairs: words used against somebody, and the same words only mentioned.

Quoting, reporting, counter-speech, negation, identity terms in harmless sentences, and
texts that sound dangerous but are not; beside them the same words meant, with quotation marks
or without. Templates and words are divided into those that train and those that are held out,
so that what is measured is never what was learnt.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from trustlayer_detectors.training import counterexample_harmless as harmless
from trustlayer_detectors.training import counterexample_texts as mentions
from trustlayer_detectors.training import counterexample_uses as uses
from trustlayer_detectors.training.counterexample_words import QUOTES, SAID, WORDS
from trustlayer_detectors.training.safety_spelling import misspelt


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A text with the labels that it has by construction.

    *kind* begins with `use` where it offends; *frame* is the template that it was made from.
    """

    text: str
    labels: Mapping[str, float]
    kind: str
    frame: str
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """Templates, how many of the last never train, how often they are drawn, and labels.

    *says* is None where the abuse is only mentioned, "said" where the label is that of what is
    said, else the label of every text.
    """

    name: str
    frames: Sequence[str]
    held_out: int
    weight: float
    says: str | None = None


_BARE = ("{a}",)
_KINDS: Sequence[Kind] = (
    Kind("quoting", mentions.QUOTING, 12, 0.20),
    Kind("reporting", mentions.REPORTING, 12, 0.06),
    Kind("counter_speech", mentions.COUNTER_SPEECH, 12, 0.08),
    Kind("negation", harmless.NEGATION, 12, 0.08),
    Kind("identity", harmless.IDENTITY, 12, 0.06),
    Kind("figurative", harmless.FIGURATIVE, 12, 0.06),
    Kind("profanity", harmless.PROFANITY, 12, 0.03),
    Kind("others", harmless.OTHERS, 12, 0.02),
    Kind("use", _BARE, 0, 0.09, "said"),
    Kind("use_marked", uses.MARKED, 10, 0.10, "said"),
    Kind("use_hidden", uses.HIDDEN, 10, 0.07, "said"),
    Kind("use_implicit", uses.IMPLICIT, 10, 0.03, "identity_hate"),
    Kind("use_negated", uses.NEGATED, 10, 0.04, "identity_hate"),
    Kind("use_asked", uses.ASKED, 10, 0.04, "identity_hate"),
    Kind("use_referring", uses.REFERRING, 10, 0.04, "identity_hate"),
)
KINDS = tuple(kind.name for kind in _KINDS)
ABUSE: Sequence[str] = ("toxicity", "insult", "identity_hate", "threat", "sexual", "obscene")
_MISSPELT = 0.08  # of the texts, harmless ones as well
_SAID_ODDS: Mapping[str, float] = {
    "insult": 0.3, "identity_hate": 0.35, "threat": 0.2, "obscene": 0.1, "sexual": 0.05,
}  # fmt: skip


def counterexamples(
    count: int, seed: int, *, held_out: bool, kinds: Sequence[Kind] = _KINDS
) -> list[Counterexample]:
    """Draw about *count* different texts.

    With *held_out* only from templates that never train, every second word too.
    """
    drawn = random.Random(seed)
    weights = [kind.weight for kind in kinds]
    made: dict[str, Counterexample] = {}
    for kind in drawn.choices(kinds, weights, k=count):
        example = _drawn(kind, drawn, held_out=held_out)
        made[example.text] = example
    return list(made.values())


def evenly(count: int, seed: int) -> list[Counterexample]:
    """Draw about *count* held-out texts of every kind."""
    drawn = random.Random(seed)
    texts = [_drawn(kind, drawn, held_out=True) for kind in _KINDS for _ in range(count)]
    return list({example.text: example for example in texts}.values())


def _drawn(kind: Kind, drawn: random.Random, *, held_out: bool) -> Counterexample:
    frames = kind.frames[len(kind.frames) - kind.held_out :] if held_out else ()
    if not frames:
        frames = kind.frames[: len(kind.frames) - kind.held_out]
    label = drawn.choices(list(_SAID_ODDS), list(_SAID_ODDS.values()))[0]
    said = drawn.choice(_part(SAID[label], drawn, held_out))
    frame = drawn.choice(frames)
    filled = quoted(frame, said, drawn)
    text = fill(filled, drawn, held_out=held_out)
    name = kind.name
    if drawn.random() < _MISSPELT:
        text, name = misspelt(text, drawn), name + "_spelt" if kind.says else name
    present = label if kind.says == "said" else kind.says
    whole = said if kind.frames is _BARE else frame
    return Counterexample(text, _labels(kind, present, filled), name, whole)


def _part(items: Sequence[str], drawn: random.Random, held_out: bool) -> Sequence[str]:
    edge = -(-3 * len(items) // 4)
    return items[edge:] if held_out and drawn.random() < 0.5 else items[:edge]


def quoted(frame: str, said: str, drawn: random.Random) -> str:
    """Put what is said into *frame*, in quotation marks or without."""
    opening, closing = drawn.choice(QUOTES)
    mark = drawn.choice((".", ".", "!", "", "!!", ","))
    if drawn.random() < 0.2:
        said = said[0].lower() + said[1:]
    filled = frame.replace("{q}", f"{opening}{said}{mark}{closing}")
    filled = filled.replace("{a}", said + drawn.choice((".", ".", "!", "!!", "")))
    return filled.replace("{w}", f"{opening}{{insult}}{closing}")


def _labels(kind: Kind, present: str | None, template: str) -> dict[str, float]:
    labels: dict[str, float] = dict.fromkeys(ABUSE, 0.0)
    if present:
        labels |= {"toxicity": 1.0, present: 1.0}
        if "{insult}" in template:  # some of the words are obscene, some are not
            labels |= {"insult": 1.0}
            del labels["obscene"]
    if kind.name == "profanity":
        labels["obscene"] = 0.2  # some raters would mind
    if kind.name == "others":  # scorn it is; whether raters mind depends on whom it meets
        labels = {"identity_hate": 0.0, "sexual": 0.0, "obscene": 0.0}
    return labels


def fill(template: str, drawn: random.Random, *, held_out: bool) -> str:
    """Put words of ours into the fields of *template*, a capital at its start."""
    fields = sorted({name for _, name, _, _ in Formatter().parse(template) if name})
    words = {name: drawn.choice(_part(WORDS[name], drawn, held_out)) for name in fields}
    text = template.format(**words)
    for vowel in "aeiou":
        text = text.replace(f" a {vowel}", f" an {vowel}")
    return text[0].upper() + text[1:]
