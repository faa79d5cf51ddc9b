"""Turns claims and their contexts into the word pieces that the cross-encoder reads."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from trustlayer import Span
from trustlayer_detectors import _sentences
from trustlayer_detectors._models import encoder
from trustlayer_detectors._models.pieces import Ints, Pieces
from trustlayer_detectors.grounding_evidence import choose
from trustlayer_detectors.training import rows
from trustlayer_detectors.training.crossencoder import Pair
from trustlayer_detectors.training.rows import Claim

MOST_CLAIM, MOST_BEFORE = 110, 64
BUDGETS = (64, 96, 128, 160)  # word pieces of evidence, drawn anew for each claim
SHORT_PAIR = 190
MOST = 32_000  # long pairs, of some 70,000 that could be made


def short(data: Path, seed: int = 1) -> list[Pair]:
    """Return the short contrastive pairs, read whole."""
    paths = [data / "extra" / "nli_extra.jsonl.gz", data / "grounding" / "train.jsonl.gz"]
    found = rows.drawn(rows.read(paths), rows.SHORT, seed)
    return [pair for pair in _pairs([rows.whole(row) for row in found], (SHORT_PAIR,), seed)
            if len(pair) <= SHORT_PAIR]  # fmt: skip


def long(data: Path, seed: int, most: int = MOST) -> list[Pair]:
    """Return real answers over long evidence, with edits and a rehearsal of short pairs.

    Up to *most*; another *seed* draws, and edits, others.
    """
    paths = [
        data / "extra" / "nli_extra.jsonl.gz",
        data / "extra" / "qa_passages_extra.jsonl.gz",
        data / "grounding" / "train.jsonl.gz",
    ]
    found = rows.drawn(rows.read(paths), rows.LONG, seed)
    again = [claim for row in found if row["dataset"].startswith(rows.REPEATED)
             for claim in rows.claims(row)]  # fmt: skip
    others = [*(claim for row in found for claim in rows.claims(row)), *_made(found, seed)]
    random.Random(seed).shuffle(others)
    return list(islice(_pairs([*again, *others], BUDGETS, seed), most))


def _made(found: Sequence[rows.Row], seed: int) -> list[Claim]:
    edited = [claim for row in found if row["dataset"] in rows.EDITED for claim in rows.claims(row)]
    copies = list(rows.copied(edited, 0.25, seed))
    return [*copies[:1500], *rows.augmented([*edited, *copies], seed)]


def of(claims: Sequence[Claim], seed: int) -> list[Pair]:
    """Return *claims* beside the evidence chosen for them."""
    return list(_pairs(claims, BUDGETS, seed))


def _pairs(claims: Sequence[Claim], budgets: Sequence[int], seed: int) -> Iterator[Pair]:
    draw = random.Random(seed)
    contexts = _contexts(sorted({claim.context for claim in claims}))
    texts = encoder.pieces([claim.text for claim in claims])
    befores = encoder.pieces([claim.before for claim in claims])
    for claim, text, before in zip(claims, texts, befores, strict=True):
        evidence = _chosen(text.ids, contexts[claim.context], draw.choice(budgets))
        if 0 < len(text) <= MOST_CLAIM and len(evidence):
            yield Pair(
                claim=text.ids,
                evidence=evidence,
                target=claim.target,
                question=before.ids[-MOST_BEFORE:] if len(before) else None,
                tokens=None if claim.spans is None else _marked(text, claim.spans),
                weight=claim.weight,
            )


def _contexts(texts: Sequence[str]) -> dict[str, list[Ints]]:
    found: dict[str, list[Ints]] = {}
    for text, pieces in zip(texts, encoder.pieces(texts), strict=True):
        places = pieces.slices(_sentences.split(text))
        found[text] = [pieces.ids[place] for place in places if place.stop > place.start]
    return found


def _chosen(claim: Ints, sentences: Sequence[Ints], budget: int) -> Ints:
    # Equal word pieces stand in for similar vectors: training needs no encoder for it.
    lengths = np.array([len(sentence) for sentence in sentences], np.int64)
    if lengths.sum() <= budget:
        return np.concatenate([np.zeros(0, np.int32), *sentences])
    shared = np.stack([np.isin(claim, sentence) for sentence in sentences], axis=1)
    places = choose(
        shared.astype(np.float32), encoder.rarity()[claim], np.minimum(lengths, budget), budget
    )
    return np.concatenate([sentences[place][:budget] for place in places])


def _marked(text: Pieces, spans: Sequence[Span]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    marks = np.zeros(len(text), np.float32)
    for span in spans:
        marks[(text.starts < span.end) & (text.ends > span.start)] = 1
    return marks
