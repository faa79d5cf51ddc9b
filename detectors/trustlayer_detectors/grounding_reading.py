"""Reads an answer beside its context: what in it has no counterpart there.

Late interaction (compare ColBERT, arXiv 2004.12832): context and answer are encoded apart,
the context once for all answers; each token of the answer is compared with every token of
context and question, and its novelty is one minus the best match.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from trustlayer import Exchange, Span
from trustlayer_detectors import _sentences
from trustlayer_detectors._models import encoder
from trustlayer_detectors._models.memory import Memory
from trustlayer_detectors._models.pieces import Ints, Pieces
from trustlayer_detectors._models.sessions import Floats

MOST_CONTEXT = 24_000  # word pieces compared with one part of an answer; beyond, the likeliest
MOST_ANSWER = 512  # word pieces of an answer that are compared at once

_texts_seen: Memory[Text] = Memory(32_000_000, lambda text: 12 * len(text.pieces) + 400)


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A text's sentences in characters, its word pieces, and the pieces of each sentence."""

    sentences: list[Span]
    pieces: Pieces
    slices: list[slice]


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Some consecutive sentences of an answer beside the context.

    *novelty* and *rarity* belong to the answer's word pieces, `similarity[i, j]` is the best
    match of piece i in context sentence j, whose word pieces are `context[j]`.
    """

    sentences: list[Span]
    slices: list[slice]
    pieces: Pieces
    novelty: Floats
    rarity: Floats
    similarity: Floats
    context: list[Ints]


def texts(contents: Sequence[str]) -> list[Text]:
    """Cut texts into sentences and word pieces; those seen lately are remembered."""
    known = {content: _texts_seen.get(content) for content in contents}
    new = [content for content, text in known.items() if text is None]
    for content, pieces in zip(new, encoder.pieces(new), strict=True):
        made = _text(content, pieces)
        known[content] = made
        _texts_seen.put(content, made)
    return [text for content in contents if (text := known[content]) is not None]


def _text(content: str, pieces: Pieces) -> Text:
    sentences = _sentences.split(content)
    return Text(sentences, pieces, pieces.slices(sentences))


def read(exchange: Exchange) -> Iterator[Reading]:
    """Compare the exchange's answer with its context and its prompt, part by part."""
    answer, asked, *sources = texts([exchange.answer, exchange.prompt, *exchange.context])
    for part in _parts(answer):
        inside = slice(answer.slices[part.start].start, answer.slices[part.stop - 1].stop)
        pieces = answer.pieces.part(inside)
        moved = [_moved(s, -inside.start) for s in answer.slices[part]]
        yield _compared(answer.sentences[part], moved, pieces, asked.pieces.ids, sources)


def _moved(place: slice, by: int) -> slice:
    return slice(place.start + by, place.stop + by)


def _parts(answer: Text) -> Iterator[slice]:
    start = 0
    for place, pieces in enumerate(answer.slices):
        if pieces.stop - answer.slices[start].start > MOST_ANSWER and place > start:
            yield slice(start, place)
            start = place
    if answer.slices:
        yield slice(start, len(answer.slices))


def _compared(
    sentences: list[Span],
    slices: list[slice],
    pieces: Pieces,
    asked: Ints,
    sources: Sequence[Text],
) -> Reading:
    rarity = encoder.rarity()[pieces.ids]
    context = _likeliest(pieces.ids, rarity, sources)
    rows = [np.concatenate(source) for source in context if source]
    own, question, *found = encoder.vectors_of([pieces.ids, asked[:MOST_CONTEXT], *rows])
    context_sentences = [sentence for source in context for sentence in source]
    similarity = _similarity(own, found, [len(s) for s in context_sentences])
    best = np.max(similarity, axis=1, initial=0.0)
    best = np.maximum(best, np.max(own @ question.T, axis=1, initial=0.0))
    return Reading(sentences, slices, pieces, 1 - best, rarity, similarity, context_sentences)


def _similarity(own: Floats, found: Sequence[Floats], lengths: Sequence[int]) -> Floats:
    if not lengths:
        return np.zeros((len(own), 0), np.float32)
    starts = np.cumsum([0, *lengths[:-1]])
    matches = own @ np.concatenate(found).T
    return np.asarray(np.maximum.reduceat(matches, starts, axis=1), np.float32)


def _likeliest(ids: Ints, rarity: Floats, sources: Sequence[Text]) -> list[list[Ints]]:
    """Return the sentences of each source: all, or those that share rare words with *ids*."""
    whole = [_sentences_of(source) for source in sources]
    if sum(len(source.pieces) for source in sources) <= MOST_CONTEXT:
        return whole
    weight = np.zeros_like(encoder.rarity())
    weight[ids] = rarity**2
    worth = np.concatenate([_worth(source, weight) for source in whole])
    order = np.argsort(-worth, kind="stable")
    lengths = np.array([len(sentence) for source in whole for sentence in source])
    kept = np.zeros(len(lengths), bool)
    kept[order[np.cumsum(lengths[order]) <= MOST_CONTEXT]] = True
    numbers = iter(kept.tolist())
    return [[sentence for sentence in source if next(numbers)] for source in whole]


def _worth(sentences: Sequence[Ints], weight: Floats) -> Floats:
    if not sentences:
        return np.zeros(0, np.float32)
    starts = np.cumsum([0, *(len(sentence) for sentence in sentences[:-1])])
    return np.asarray(np.add.reduceat(weight[np.concatenate(sentences)], starts), np.float32)


def _sentences_of(source: Text) -> list[Ints]:
    return [source.pieces.ids[place] for place in source.slices if place.stop > place.start]
