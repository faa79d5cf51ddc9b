"""The bundled sentence encoder (all-MiniLM-L6-v2, int8): vectors of tokens and of texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from trustlayer_detectors._models.memory import Memory
from trustlayer_detectors._models.pieces import CLS, SEP, Ints, Pieces
from trustlayer_detectors._models.pieces import pieces as _pieces
from trustlayer_detectors._models.sessions import (
    Floats,
    outputs_of,
    session,
    tokenizer,
    weights,
)

WIDTH = 384
WINDOW, STRIDE = 126, 96  # word pieces; a token is read with at least 15 on either side
_windows_seen: Memory[npt.NDArray[np.float16]] = Memory(96_000_000, lambda vectors: vectors.nbytes)


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A text's word pieces and the unit vector of each: `vectors` has shape (n, 384)."""

    pieces: Pieces
    vectors: Floats


def encode(texts: Sequence[str]) -> list[Encoded]:
    """Return the token vectors of each of *texts*, of any length.

    Long texts are read in overlapping windows. Windows seen lately are not read again.
    """
    found = pieces(texts)
    vectors = vectors_of([part.ids for part in found])
    return [Encoded(*pair) for pair in zip(found, vectors, strict=True)]


def pooled(texts: Sequence[str]) -> Floats:
    """Return one unit vector for each of *texts*, shape (n, 384): the mean of its tokens.

    The dot product of two is their similarity in meaning; of an empty text it is 0.
    """
    means = [np.append(part.vectors, np.zeros((1, WIDTH), np.float32), 0).sum(0) for part in
             encode(texts)]  # fmt: skip
    return _unit(np.array(means, np.float32).reshape(-1, WIDTH))


def pieces(texts: Sequence[str]) -> list[Pieces]:
    """Cut *texts* into the word pieces that all bundled models share."""
    return _pieces(tokenizer(weights("encoder") / "tokenizer.json"), texts)


@lru_cache
def rarity() -> Floats:
    """Return how rare each word piece is, shape (30522,): 1 never seen, 0 in every text."""
    table = np.load(weights("encoder") / "rarity.npy")
    return np.asarray(table, np.float32)


def vectors_of(rows: Sequence[Ints]) -> list[Floats]:
    """Return the unit vectors of rows of word pieces: shape (len(row), 384) for each."""
    places = [(row, *window) for row, ids in enumerate(rows) for window in _windows(len(ids))]
    read = _read([rows[row][start:end] for row, start, end, _ in places])
    found: list[Floats] = [np.empty((len(ids), WIDTH), np.float32) for ids in rows]
    for (row, start, end, kept), vectors in zip(places, read, strict=True):
        found[row][kept:end] = vectors[kept - start :]
    return found


def _windows(length: int) -> Iterator[tuple[int, int, int]]:
    # start, end, and from where on this window is better placed than the one before
    for start in range(0, max(1, length - WINDOW + STRIDE), STRIDE):
        kept = start + (WINDOW - STRIDE) // 2 if start else 0
        yield start, min(start + WINDOW, length), kept


def _read(windows: Sequence[Ints]) -> list[npt.NDArray[np.float16]]:
    keys = [window.tobytes() for window in windows]
    known = {key: _windows_seen.get(key) for key in keys}
    new = {key: row for key, row in zip(keys, windows, strict=True) if known[key] is None}
    for key, vectors in zip(new, _inferred(list(new.values())), strict=True):
        half: npt.NDArray[np.float16] = vectors.astype(np.float16)
        known[key] = half
        _windows_seen.put(key, half)
    return [held for key in keys if (held := known[key]) is not None]


def _inferred(windows: Sequence[Ints]) -> list[Floats]:
    model = session(weights("encoder") / "model.onnx")
    rows = [np.concatenate([[CLS], window, [SEP]]) for window in windows]
    lengths = [len(row) for row in rows]
    hidden = (outputs[0] for outputs in outputs_of(model, rows, lengths))
    return [_unit(h[1 : length - 1]) for h, length in zip(hidden, lengths, strict=True)]


def _unit(vectors: Floats) -> Floats:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-9), np.float32)
