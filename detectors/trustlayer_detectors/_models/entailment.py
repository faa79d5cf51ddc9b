"""The bundled cross-encoder (int8): does the evidence entail the claim, and which words not?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trustlayer_detectors._models.encoder import pieces
from trustlayer_detectors._models.pieces import CLS, SEP, Ints
from trustlayer_detectors._models.sessions import Floats, outputs_of, session, weights

ENTAIL, NEUTRAL, CONTRADICT = range(3)
MOST_CLAIM, MOST_BEFORE, MOST_EVIDENCE = 160, 64, 256  # word pieces; 512 positions in all


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A claim and its evidence in word pieces, and what was said just before (may be empty)."""

    claim: Ints
    before: Ints
    evidence: Ints

    def row(self) -> Ints:
        """Return `[CLS] claim [SEP] (before [SEP]) evidence [SEP]`."""
        before = self.before[-MOST_BEFORE:]
        asked = [np.append(before, SEP)] if len(before) else []
        evidence = self.evidence[:MOST_EVIDENCE]
        separator = np.array([SEP], np.int32)
        claim = np.concatenate([[CLS], self.claim[:MOST_CLAIM], separator])
        return np.concatenate([claim, *asked, evidence, separator]).astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """P(entail, neutral, contradict), and for each piece of the claim P(unsupported)."""

    classes: Floats
    tokens: Floats


def judge(pairs: Sequence[Pair], root: str = "") -> list[Judgement]:
    """Read every pair; equal ones once.

    *root* is the folder of other weights than the bundled ones.
    """
    rows = {row.tobytes(): (row, pair) for pair in pairs for row in [pair.row()]}
    read = dict(zip(rows, _read(list(rows.values()), root), strict=True))
    return [read[pair.row().tobytes()] for pair in pairs]


def entailment(pairs: Sequence[tuple[str, str]]) -> Floats:
    """Return P(entail, neutral, contradict) of (premise, hypothesis), shape (n, 3).

    Of a premise beyond 256 word pieces only the beginning is read.
    """
    cut = pieces([text for pair in pairs for text in pair])
    nothing = np.zeros(0, np.int32)
    rows = [Pair(hypothesis.ids, nothing, premise.ids) for premise, hypothesis in
            zip(cut[::2], cut[1::2], strict=True)]  # fmt: skip
    return np.array([found.classes for found in judge(rows)], np.float32).reshape(-1, 3)


def _read(rows: Sequence[tuple[Ints, Pair]], root: str) -> list[Judgement]:
    model = session(weights("entailment", root) / "model.onnx")
    claims = [min(len(pair.claim), MOST_CLAIM) for _, pair in rows]
    outputs = outputs_of(model, [row for row, _ in rows], [claim + 2 for claim in claims])
    return [
        Judgement(_softmax(classes), _sigmoid(tokens[1 : claim + 1]))
        for (classes, tokens), claim in zip(outputs, claims, strict=True)
    ]


def _softmax(logits: Floats) -> Floats:
    shares = np.exp(logits - np.max(logits))
    return np.asarray(shares / np.sum(shares), np.float32)


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
