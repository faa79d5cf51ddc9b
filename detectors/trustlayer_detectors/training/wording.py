"""Makes unsupported sentences by one word: another of its kind, or a modifier put in.

Edited summaries (SummEdits, arXiv 2305.14540) differ from sound ones in a single plausible
word. Words of a kind lie near each other in the encoder's input embeddings: at a cosine of 0.2
to 0.45, between unrelated words and synonyms, stand co-hyponyms ("doctor", "lawyer").
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from safetensors.numpy import load_file

from trustlayer import Span
from trustlayer_detectors._models.sessions import Floats
from trustlayer_detectors.training.edits import Edit
from trustlayer_detectors.training.origin import original

NEAR, SAME = 0.2, 0.45  # cosines between which a word is of a kind, but not the same
_FREQUENT = 14_000  # the vocabulary is sorted by frequency
_WORD = re.compile(r"\b[A-Za-z]{4,}\b")
_ENDINGS = ("ing", "ed", "ly", "ies", "es", "s", "er", "al", "ic", "ive", "ous", "ion", "ty", "")
_LIGHT = frozenset({
    "that", "this", "these", "those", "with", "from", "they", "them", "their", "there", "have",
    "been", "were", "which", "what", "when", "where", "while", "would", "could", "should",
    "about", "into", "over", "than", "then", "also", "only", "such", "some", "more", "most",
    "other", "each", "both", "between", "during", "after", "before", "because", "through",
    "being", "does", "will", "very", "just", "not", "according", "provided", "passage",
    "passages", "based",
})  # fmt: skip
_BEFORE_VERB = (
    "never", "only", "rarely", "reluctantly", "secretly", "unsuccessfully", "falsely", "briefly",
    "repeatedly", "publicly", "allegedly", "temporarily", "jointly", "partially", "accidentally",
    "later", "previously", "immediately", "barely", "completely", "quickly", "unanimously",
)  # fmt: skip
_BEFORE_NOUN = (
    "only", "new", "old", "former", "future", "private", "public", "local", "foreign", "female",
    "male", "small", "large", "main", "minor", "major", "final", "initial", "weekly", "annual",
    "temporary", "permanent", "unofficial", "official", "digital", "national", "young", "senior",
    "free", "expensive", "illegal", "optional", "mandatory", "last", "first", "second", "third",
)  # fmt: skip
_VERB = re.compile(r"(?<=[a-z] )(?=[a-z]{3,}ed\b)")
_NOUN = re.compile(r"(?<=\b(?:the|his|her|its|our) )(?=[a-z]{4,})|(?<=\btheir )(?=[a-z]{4,})")


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Frequent whole words and the unit vectors of their input embeddings."""

    words: list[str]
    places: dict[str, int]
    vectors: Floats

    def others(self, word: str) -> list[str]:
        """Return the words of the same kind and ending as *word*, nearest first."""
        place = self.places.get(word)
        if place is None:
            return []
        likeness = self.vectors @ self.vectors[place]
        order = np.argsort(-likeness, kind="stable")
        near = [at for at in order[:400].tolist() if NEAR < likeness[at] < SAME]
        ending = _ending(word)
        return [w for at in near if _ending(w := self.words[at]) == ending and w[:4] != word[:4]]


@lru_cache
def vocabulary() -> Vocabulary:
    """Read the encoder's input embeddings."""
    known = json.loads((original() / "tokenizer.json").read_text(encoding="utf-8"))
    pieces: dict[str, int] = known["model"]["vocab"]
    rows = [row for name, row in load_file(original() / "model.safetensors").items()
            if name.endswith("word_embeddings.weight")]  # fmt: skip
    kept = {word: at for word, at in pieces.items() if at < _FREQUENT and _plain(word)}
    vectors = rows[0][list(kept.values())].astype(np.float32)
    vectors -= vectors.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Vocabulary(list(kept), {word: at for at, word in enumerate(kept)}, vectors)


def _plain(word: str) -> bool:
    return len(word) >= 4 and word.isascii() and word.isalpha()


@lru_cache(maxsize=20_000)
def _others(word: str) -> tuple[str, ...]:
    return tuple(vocabulary().others(word)[:16])


def _ending(word: str) -> str:
    return next(ending for ending in _ENDINGS if word.endswith(ending))


def word(text: str, context: str, random: random.Random) -> Edit | None:
    """Put another word of its kind in the place of one."""
    found = [match for match in _WORD.finditer(text) if match.group().lower() not in _LIGHT]
    random.shuffle(found)
    for match in found[:6]:
        if others := [w for w in _others(match.group().lower()) if w not in text.lower()]:
            return _put(text, match, random.choice(others))
    return None


def _put(text: str, match: re.Match[str], new: str) -> Edit:
    new = new.capitalize() if match.group()[0].isupper() else new
    span = Span(match.start(), match.start() + len(new))
    return Edit(text[: match.start()] + new + text[match.end() :], span)


def modifier(text: str, context: str, random: random.Random) -> Edit | None:
    """Put an adverb before a verb, or an adjective before a noun, that the text lacks."""
    places: list[tuple[int, Sequence[str]]]
    places = [(match.start(), _BEFORE_VERB) for match in _VERB.finditer(text)]
    places += [(match.start(), _BEFORE_NOUN) for match in _NOUN.finditer(text)]
    if not places:
        return None
    at, words = random.choice(places)
    new = random.choice(words)
    if new in context.lower():
        return None
    return Edit(f"{text[:at]}{new} {text[at:]}", Span(at, at + len(new)))
