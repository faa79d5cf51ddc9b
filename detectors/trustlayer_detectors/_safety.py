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
    outputs_of,
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
WINDOW, PROMPT, OPENING = 126, 48, 48  # word pieces
_NOTHING: Ints = np.empty(0, np.int32)
_UNKNOWN = 100  # the word piece of what the vocabulary lacks
_SENTENCES, _WINDOWS = 256, 128  # held in memory together

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Some *sentences* of text number *owner*, still unread; offsets are those of the text.

    *before* are word pieces from the beginning of the text, read again as a reminder.
    """

    owner: int
    pieces: Pieces
    sentences: tuple[slice, ...]
    before: Ints


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


def read(
    texts: Sequence[str], prompts: Sequence[str] | None = None, root: str = ""
) -> Iterator[Reading]:
    """Read *texts*, of any length, each beside its prompt where *prompts* are given.

    With a prompt, later windows are read after the opening of their text: whether a text is a
    refusal is often said there alone. Some windows are read at a time, whatever texts they are
    of. A text without any word has no reading.
    *root* is the folder of other weights than the bundled ones.
    """
    asked = None if prompts is None else [prompt_ids(prompt) for prompt in prompts]
    opening = 0 if asked is None else OPENING
    for windows in chunks(_windows(texts, opening), _WINDOWS):
        yield from _read(windows, asked, root)


def reread(reading: Reading, root: str = "") -> list[Reading]:
    """Read the sentences of a window again, each without the others and without a prompt."""
    parts = [_cut(reading.window.pieces, part) for part in reading.window.sentences]
    windows = [_window(place, [part]) for place, part in enumerate(parts)]
    return sorted(_read(windows, None, root), key=lambda reading: reading.window.owner)


def _read(windows: Sequence[Window], asked: Sequence[Ints] | None, root: str) -> Iterator[Reading]:
    rows = [_row(w, None if asked is None else asked[w.owner]) for w in windows]
    model = session(weights("safety", root) / "model.onnx")
    starts = [1 + len(window.before) for window in windows]
    ends = [at + len(w.pieces) for at, w in zip(starts, windows, strict=True)]
    outputs = outputs_of(model, rows, [end + 1 for end in ends])
    for window, start, end, (logits, shares) in zip(windows, starts, ends, outputs, strict=True):
        yield Reading(window, calibrated(logits, root), shares[start:end])


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


def calibrated(logits: Floats, root: str = "") -> Floats:
    """Turn *logits* of shape (n, labels) into probabilities by the card's Platt scaling."""
    slopes, intercepts = _platt(root)
    return np.asarray(1 / (1 + np.exp(-(slopes * logits + intercepts))), np.float32)


def version(root: str = "") -> str:
    """Return the beginning of the hash of the weights."""
    return str(_card(root)["files"]["model.onnx"]["sha256"])[:12]


@lru_cache
def _card(root: str) -> Mapping[str, Any]:
    return card("safety", root)


@lru_cache
def _platt(root: str) -> tuple[Floats, Floats]:
    given = [_card(root)["calibration"][label] for label in LABELS]
    slopes = np.array([each["slope"] for each in given], np.float32)
    return slopes, np.array([each["intercept"] for each in given], np.float32)


def _row(window: Window, prompt: Ints | None) -> Ints:
    asked = [] if prompt is None else [prompt, [SEP]]
    row = np.concatenate([[CLS], window.before, window.pieces.ids, [SEP], *asked])
    return row.astype(np.int32)


def _windows(texts: Sequence[str], opening: int) -> Iterator[Window]:
    for owner, text in enumerate(texts):
        before = _NOTHING
        for number, parts in enumerate(_parts(text)):
            window = _window(owner, parts, before)
            before = before if number else window.pieces.ids[:opening]
            yield window


def _parts(text: str) -> Iterator[list[Pieces]]:
    """Yield as many sentences at a time as fit in a window."""
    held: list[Pieces] = []
    for sentence in _pieces_by_sentence(text):
        if held and sum(map(len, held)) + len(sentence) > WINDOW:
            yield held
            held = []
        held.append(sentence)
    if held:
        yield held


def _pieces_by_sentence(text: str) -> Iterator[Pieces]:
    """Yield the known pieces of every sentence, in parts of at most `WINDOW`."""
    for spans in chunks(split(text), _SENTENCES):
        found = pieces(vocabulary(), [span.of(text) for span in spans])
        for span, sentence in zip(spans, found, strict=True):
            for start in range(0, len(sentence), WINDOW):
                yield _cut(sentence, slice(start, start + WINDOW), span.start)


def _cut(whole: Pieces, part: slice, offset: int = 0) -> Pieces:
    return Pieces(whole.ids[part], whole.starts[part] + offset, whole.ends[part] + offset)


def _window(owner: int, parts: Sequence[Pieces], before: Ints = _NOTHING) -> Window:
    columns = zip(*((part.ids, part.starts, part.ends) for part in parts), strict=True)
    ends = list(accumulate(map(len, parts)))
    sentences = [slice(end - len(part), end) for part, end in zip(parts, ends, strict=True)]
    return Window(owner, Pieces(*map(np.concatenate, columns)), tuple(sentences), before)


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield *items* in lists of *size*, the last one perhaps shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
