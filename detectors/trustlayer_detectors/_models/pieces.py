"""Texts as word pieces that know where in the text they came from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from trustlayer import Span

CLS, SEP = 101, 102
_CHUNK = 16_384  # characters given to the tokenizer at once, and
_CHUNKS = 32  # how often in one go: it keeps some 200 bytes for each word piece
_SURROGATES = re.compile("[\ud800-\udfff]")

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """Word pieces of one text: vocabulary numbers, first character and the one after the last."""

    ids: Ints
    starts: Ints
    ends: Ints

    def __len__(self) -> int:
        return len(self.ids)

    def part(self, place: slice) -> Pieces:
        """Return some of the pieces."""
        return Pieces(self.ids[place], self.starts[place], self.ends[place])

    def slices(self, spans: Sequence[Span]) -> list[slice]:
        """Return which pieces begin in each of *spans*."""
        bounds = np.array([[span.start, span.end] for span in spans], np.int32).reshape(-1, 2)
        return [slice(*pair) for pair in np.searchsorted(self.starts, bounds).tolist()]


def pieces(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Pieces]:
    """Cut each of *texts*, of any length and content, into word pieces."""
    chunks = [(row, start, part) for row, text in enumerate(texts) for start, part in _cut(text)]
    parts: list[list[Ints]] = [[] for _ in texts]
    for first in range(0, len(chunks), _CHUNKS):
        some = chunks[first : first + _CHUNKS]
        encodings = tokenizer.encode_batch([text for *_, text in some], add_special_tokens=False)
        for (row, start, _), encoding in zip(some, encodings, strict=True):
            parts[row].append(_columns(encoding.ids, encoding.offsets, start))
    return [Pieces(*np.concatenate(columns, axis=1)) for columns in parts]


def _columns(ids: list[int], offsets: list[tuple[int, int]], start: int) -> Ints:
    spans = np.array(offsets, np.int32).reshape(-1, 2).T + start
    return np.vstack([np.array(ids, np.int32), spans]).astype(np.int32)


def _cut(text: str) -> Iterator[tuple[int, str]]:
    # A lone surrogate cannot be passed on; one for one, so that offsets hold.
    text = _SURROGATES.sub("\ufffd", text)
    start = 0
    while len(text) - start > _CHUNK:
        blank = text.rfind(" ", start + _CHUNK // 2, start + _CHUNK)
        end = blank if blank > 0 else start + _CHUNK
        yield start, text[start:end]
        start = end
    yield start, text[start:]
