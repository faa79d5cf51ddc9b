"""Makes unsupported sentences out of supported ones, and says where they went wrong.

Counters the shortcut "many words in common, therefore supported": one number, name or
negation is changed and all else stays (compare FactCC, arXiv 1910.12840).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from trustlayer import Span

_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])")
_NAME = re.compile(r"(?<=[a-z,] )(?:[A-Z][\w'-]+)(?: (?:of |the |de )?[A-Z][\w'-]+)*")
_ANY_NAME = re.compile(r"(?:[A-Z][\w'-]+)(?: (?:of |the |de )?[A-Z][\w'-]+)*")
_MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
]  # fmt: skip
_VERB = re.compile(
    r"\b(is|are|was|were|has|have|had|can|could|will|would|should|may|does|did)\b(?! not)"
)
_NOT = re.compile(r"\b(is|are|was|were|has|have|had|could|will|would|should|does|did) not\b")
_OPPOSITES = {
    "more": "less", "less": "more", "increase": "decrease", "decrease": "increase",
    "increased": "decreased", "decreased": "increased", "before": "after", "after": "before",
    "first": "last", "last": "first", "higher": "lower", "lower": "higher", "all": "some",
    "always": "never", "never": "always", "largest": "smallest", "smallest": "largest",
    "most": "least", "least": "most", "north": "south", "south": "north", "east": "west",
    "west": "east", "won": "lost", "lost": "won", "young": "old", "old": "young",
    "father": "mother", "mother": "father", "husband": "wife", "wife": "husband",
    "son": "daughter", "daughter": "son", "above": "below", "below": "above",
    "can": "cannot", "cannot": "can", "allowed": "forbidden", "open": "closed",
    "early": "late", "late": "early", "male": "female", "female": "male", "best": "worst",
    "maximum": "minimum", "minimum": "maximum", "safe": "dangerous", "accept": "reject",
    "accepted": "rejected", "rejected": "accepted", "positive": "negative", "long": "short",
    "negative": "positive", "high": "low", "low": "high", "left": "right", "hot": "cold",
    "agreed": "refused", "refused": "agreed", "with": "without", "without": "with",
}  # fmt: skip
_TAIL = re.compile(r"(?:, (?:which|who|and|but)|\b(?:because|although|while|in order to))\b.+")
_OPPOSITE = re.compile(r"\b(" + "|".join(_OPPOSITES) + r")\b")


@dataclass(frozen=True, slots=True)
class Edit:
    """A changed sentence, and where the change stands in it."""

    text: str
    span: Span


def _replaced(text: str, match: re.Match[str], by: str) -> Edit:
    span = Span(match.start(), match.start() + len(by))
    return Edit(text[: match.start()] + by + text[match.end() :], span)


def number(text: str, context: str, random: random.Random) -> Edit | None:
    """Change one number: to another one of the context, or by an amount."""
    found = list(_NUMBER.finditer(text))
    if not found:
        return None
    match = random.choice(found)
    others = [n for n in _NUMBER.findall(context) if len(n) == len(match.group())]
    others = [n for n in others if n not in text]
    if others and random.random() < 0.5:
        return _replaced(text, match, random.choice(others))
    return _replaced(text, match, _shifted(match.group(), random))


def _shifted(digits: str, random: random.Random) -> str:
    positions = [i for i, c in enumerate(digits) if c.isdigit()]
    position = random.choice(positions[-2:])
    digit = random.choice([d for d in "123456789" if d != digits[position]])
    return digits[:position] + digit + digits[position + 1 :]


def name(text: str, context: str, random: random.Random) -> Edit | None:
    """Put another name of the context in the place of one."""
    found = list(_NAME.finditer(text))
    others = [n for n in _ANY_NAME.findall(context) if n not in text and len(n) > 3]
    if not found or not others:
        return None
    match = random.choice(found)
    if match.group() in _MONTHS:
        return _replaced(text, match, random.choice([m for m in _MONTHS if m not in text]))
    same = [n for n in others if (" " in n) == (" " in match.group())]
    return _replaced(text, match, random.choice(same or others))


def negation(text: str, context: str, random: random.Random) -> Edit | None:
    """Say the opposite by putting in or leaving out "not"."""
    if (match := _NOT.search(text)) is not None:
        return _replaced(text, match, match.group(1))
    found = list(_VERB.finditer(text))
    if not found:
        return None
    match = random.choice(found)
    return _replaced(text, match, f"{match.group()} not")


def opposite(text: str, context: str, random: random.Random) -> Edit | None:
    """Put the opposite in the place of one word."""
    found = list(_OPPOSITE.finditer(text))
    if not found:
        return None
    match = random.choice(found)
    return _replaced(text, match, _OPPOSITES[match.group()])


def addition(text: str, other: str, random: random.Random) -> Edit | None:
    """Append the tail of *other*, a sentence about something else."""
    tail = re.search(
        r"(?:, (?:which|who|and|but)|\b(?:because|although|while|in order to))\b.+", other
    )
    if tail is None or not 12 < len(tail.group()) < 120:
        return None
    body = text.rstrip(" .!?")
    joined = tail.group() if tail.group().startswith(",") else " " + tail.group()
    return Edit(body + joined, Span(len(body), len(body) + len(joined)))


KINDS: tuple[Callable[[str, str, random.Random], Edit | None], ...] = (
    number, name, negation, opposite,
)  # fmt: skip


def one(text: str, context: str, random: random.Random) -> Edit | None:
    """Make a change of the first kind that fits *text*, in random order."""
    kinds = list(KINDS)
    random.shuffle(kinds)
    for kind in kinds:
        if (edit := kind(text, context, random)) is not None and edit.text != text:
            return edit
    return None
