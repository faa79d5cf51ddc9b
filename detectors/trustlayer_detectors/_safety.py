"""Reads texts with the bundled safety model: a probability for each label, and where from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice
from typing import Any, TypeVar

import numpy as np

from trustlayer import Unexamined
from trustlayer_detectors._models.pieces import CLS, SEP, Ints, Pieces, pieces
from trustlayer_detectors._models.sessions import (
    Floats,
    card,
    packed,
    run,
    session,
    tokenizer,
    weights,
)
from trustlayer_detectors._sentences import split

LABELS = (
    "toxicity",
    "insult",
    "identity_hate",
    "obscene",
    "threat",
    "sexual",
    "harmful_compliance",
    "refusal",
    "injection",
)
WINDOW, PROMPT = 126, 48  # word pieces
_UNKNOWN = 100  # the word piece of what the vocabulary lacks
_SENTENCES, _WINDOWS = 256, 128  # held in memory together
_TOKENS = 2_048  # in one inference

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Some *sentences* of text number *owner*, still unread; offsets are those of the text."""

    owner: int
    pieces: Pieces
    sentences: tuple[slice, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A window after reading.

    *risks* has a calibrated probability for each of `LABELS`; *shares*, of shape
    (pieces, labels), is what each piece added to the logit.
    """

    window: Window
    risks: Floats
    shares: Floats

    def risk(self, label: str) -> float:
        """Return the probability of *label*, in [0, 1]."""
        return float(self.risks[LABELS.index(label)])

    def added(self, label: str) -> Floats:
        """Return what each piece added to the logit of *label*."""
        return self.shares[:, LABELS.index(label)]


def read(texts: Sequence[str], prompts: Sequence[str] | None = None) -> Iterator[Reading]:
    """Read *texts*, of any length, each beside its prompt where *prompts* are given.

    Readings come in no certain order. Windows of different texts are read together, and no
    more than some of them are held in memory. A text without any word has no reading.
    """
    asked = None if prompts is None else [prompt_ids(prompt) for prompt in prompts]
    for windows in chunks(_windows(texts), _WINDOWS):
        yield from _read(windows, asked)


def reread(reading: Reading) -> list[Reading]:
    """Read the sentences of a window again, each without the others and without a prompt."""
    parts = [_cut(reading.window.pieces, part) for part in reading.window.sentences]
    windows = [_window(place, [part]) for place, part in enumerate(parts)]
    return sorted(_read(windows, None), key=lambda reading: reading.window.owner)


def _read(windows: Sequence[Window], asked: Sequence[Ints] | None) -> Iterator[Reading]:
    rows = [_row(w.pieces.ids, None if asked is None else asked[w.owner]) for w in windows]
    lengths = [len(row) for row in rows]
    model = session(weights("safety") / "model.onnx")
    for batch in packed(lengths, _TOKENS):
        types = [len(windows[place].pieces) + 2 for place in batch]
        logits, shares = run(model, [rows[place] for place in batch], types)
        for place, risks, added in zip(batch, calibrated(logits), shares, strict=True):
            window = windows[place]
            yield Reading(window, risks, added[1 : len(window.pieces) + 1])


def by_text(
    readings: Iterable[Reading], detector: str, count: int
) -> list[list[Reading] | Unexamined]:
    """Gather the readings of each of *count* texts, in the order of the text."""
    found: list[list[Reading]] = [[] for _ in range(count)]
    for reading in readings:
        found[reading.window.owner].append(reading)
    return [_sensible(each, detector) for each in found]


def _sensible(readings: list[Reading], detector: str) -> list[Reading] | Unexamined:
    if not readings:
        return Unexamined(detector, "empty answer")
    ids = np.concatenate([reading.window.pieces.ids for reading in readings])
    if float(np.mean(ids == _UNKNOWN)) > 0.5:
        return Unexamined(detector, "most of the answer is in no script that the model knows")
    return sorted(readings, key=lambda reading: int(reading.window.pieces.starts[0]))


def prompt_ids(prompt: str) -> Ints:
    """Return the last word pieces of *prompt*: what is asked tends to stand at the end."""
    [found] = pieces(vocabulary(), [prompt[-2_000:]])
    return found.ids[-PROMPT:]


def vocabulary() -> Any:
    """Return the tokenizer that all bundled models share."""
    return tokenizer(weights("encoder") / "tokenizer.json")


def calibrated(logits: Floats) -> Floats:
    """Turn *logits* of shape (n, labels) into probabilities by the card's Platt scaling."""
    slopes, intercepts = _platt()
    return np.asarray(1 / (1 + np.exp(-(slopes * logits + intercepts))), np.float32)


def version() -> str:
    """Return the beginning of the hash of the bundled weights."""
    return str(_card()["files"]["model.onnx"]["sha256"])[:12]


@lru_cache
def _card() -> Mapping[str, Any]:
    return card("safety")


@lru_cache
def _platt() -> tuple[Floats, Floats]:
    given = [_card()["calibration"][label] for label in LABELS]
    slopes = np.array([each["slope"] for each in given], np.float32)
    return slopes, np.array([each["intercept"] for each in given], np.float32)


def _row(text: Ints, prompt: Ints | None) -> Ints:
    asked = [] if prompt is None else [prompt, [SEP]]
    return np.concatenate([[CLS], text, [SEP], *asked]).astype(np.int32)


def _windows(texts: Sequence[str]) -> Iterator[Window]:
    for owner, text in enumerate(texts):
        held: list[Pieces] = []
        for sentence in _pieces_by_sentence(text):
            if held and sum(map(len, held)) + len(sentence) > WINDOW:
                yield _window(owner, held)
                held = []
            held.append(sentence)
        if held:
            yield _window(owner, held)


def _pieces_by_sentence(text: str) -> Iterator[Pieces]:
    """Yield the known pieces of every sentence, in parts of at most `WINDOW`."""
    for spans in chunks(split(text), _SENTENCES):
        found = pieces(vocabulary(), [span.of(text) for span in spans])
        for span, sentence in zip(spans, found, strict=True):
            for start in range(0, len(sentence), WINDOW):
                yield _cut(sentence, slice(start, start + WINDOW), span.start)


def _cut(whole: Pieces, part: slice, offset: int = 0) -> Pieces:
    return Pieces(whole.ids[part], whole.starts[part] + offset, whole.ends[part] + offset)


def _window(owner: int, parts: Sequence[Pieces]) -> Window:
    columns = zip(*((part.ids, part.starts, part.ends) for part in parts), strict=True)
    ends = list(accumulate(map(len, parts)))
    sentences = [slice(end - len(part), end) for part, end in zip(parts, ends, strict=True)]
    return Window(owner, Pieces(*map(np.concatenate, columns)), tuple(sentences))


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield *items* in lists of *size*, the last one perhaps shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
