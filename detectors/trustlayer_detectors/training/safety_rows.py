"""The rows that train `toxicity` and `harm`: which, how often, and in which form."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from trustlayer_detectors.training.counterexample_more import more
from trustlayer_detectors.training.counterexamples import (
    Counterexample,
    counterexamples,
    evenly,
)
from trustlayer_detectors.training.harmpairs import KINDS, harm_pairs
from trustlayer_detectors.training.safety_model import LABELS, Example
from trustlayer_detectors.training.safety_spelling import misspelt

Row = Mapping[str, Any]

LONGEST_TEXT, LONGEST_ANSWER, LONGEST_PROMPT = 128, 128, 48  # word pieces
_PAIRED = frozenset(("diasafety", "gptfuzz", "expertqa_clean", "qa", "own_harm"))

# How often a row is read in one pass: small or rare sets more often, big easy ones less.
_PER_PASS: Mapping[str, float] = {
    "context_toxicity": 0.2,
    "cad": 0.5,
    "davidson": 0.5,
    "jigsaw_samples": 1.0,
    "convabuse": 1.5,
    "implicit_hate": 0.8,
    "surge_toxicity": 2.0,
    "bipia_email": 2.0,
    "cyberseceval_injection": 2.0,
    "deepset_injection": 2.0,
    "gptfuzz": 1.5,
}
_MISSPELT = 0.04  # of the rows that are read without a prompt


def read(path: Path) -> list[Row]:
    """Read the gzipped JSON lines at *path*."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def halves(rows: Sequence[Row], share: float = 0.05) -> tuple[list[Row], list[Row]]:
    """Part *rows* by group into those to fit on and the *share* kept for calibration."""
    kept = [int.from_bytes(str(row["group"]).encode()[-4:], "big") % 997 for row in rows]
    fit = [row for row, k in zip(rows, kept, strict=True) if k >= share * 997]
    return fit, [row for row, k in zip(rows, kept, strict=True) if k < share * 997]


def one_pass(rows: Sequence[Row], seed: int) -> list[Row]:
    """Draw the rows of one pass, by `_PER_PASS`; a positive row is never left out.

    A few are spelt to deceive, whatever their labels.
    """
    chances = np.random.default_rng(seed).random(len(rows))
    drawn = random.Random(seed)
    return [
        _respelt(row, drawn)
        for row, chance in zip(rows, chances, strict=True)
        for _ in range(_times(row, float(chance)))
    ]


def _respelt(row: Row, drawn: random.Random) -> Row:
    if paired(row) or row["labels"].get("injection") is not None or drawn.random() > _MISSPELT:
        return row
    return {**row, "text": misspelt(row["text"], drawn)}


def _times(row: Row, chance: float) -> int:
    wanted = _PER_PASS.get(str(row["dataset"]), 1.0)
    times = int(wanted + chance)
    rare = any((row["labels"].get(name) or 0) >= 0.5 for name in ("obscene", "threat", "sexual"))
    positive = any((value or 0) >= 0.5 for value in row["labels"].values())
    return max(times, int(positive)) + int(rare)


def own(count: int, seed: int) -> list[Row]:
    """Return our own counter-examples and, a third as many, harm pairs as rows."""
    texts = counterexamples(count, seed, held_out=False)
    pairs = harm_pairs(count // 3, seed, held_out=False)
    return [_own_row("own_texts", t) for t in texts] + [_own_row("own_harm", p) for p in pairs]


def again(rows: Sequence[Row], own_count: int, seed: int) -> list[Row]:
    """Return the rows of a second pass: all once more, the rare twice, and others of ours."""
    drawn = one_pass(rows, seed)
    texts = [_own_row("own_texts", text) for text in more(rows, own_count, seed)]
    pairs = harm_pairs(own_count // 5, seed, held_out=False)
    rare = [row for row in drawn if _is_rare(row)]
    return [*drawn, *rare, *texts, *(_own_row("own_harm", pair) for pair in pairs)]


def _is_rare(row: Row) -> bool:
    rare = ("obscene", "threat", "sexual", "injection")
    return any((row["labels"].get(name) or 0) >= 0.5 for name in rare)


def own_held_out(each: int, seed: int) -> list[Row]:
    """Return about *each* of every kind of ours, from templates that never train."""
    pairs = harm_pairs(each * len(KINDS), seed, held_out=True)
    texts = [_own_row("own_texts", text) for text in evenly(each, seed)]
    return texts + [_own_row("own_harm", pair) for pair in pairs]


def _own_row(dataset: str, made: Counterexample) -> Row:
    return {
        "dataset": dataset,
        "text": made.text,
        "prompt": made.prompt,
        "labels": dict(made.labels),
        "kind": made.kind,
        "frame": made.frame,
    }


def answers(path: Path, count: int, seed: int) -> list[Row]:
    """Take *count* passages as clean answers (assumed, not labelled), half with a question."""
    drawn = np.random.default_rng(seed)
    rows = [row for row in read(path) if row.get("question") and row.get("context")]
    picked = drawn.choice(len(rows), min(count, len(rows)), replace=False)
    return [_clean(rows[i], int(drawn.integers(60, 900)), k % 2) for k, i in enumerate(picked)]


def _clean(row: Row, length: int, alone: int) -> Row:
    names = ("insult", "obscene", "threat", "sexual", "harmful_compliance", "refusal")
    return {
        "dataset": "qa_text" if alone else "qa",
        "text": str(row["context"])[:length],
        "prompt": row["question"],
        "labels": dict.fromkeys(names, 0.0),
    }


def examples(rows: Sequence[Row], tokenizer: Tokenizer) -> list[Example]:
    """Cut *rows* into word pieces, beginnings only, as the detectors will."""
    made: list[Example] = []
    for start in range(0, len(rows), 4096):
        part = rows[start : start + 4096]
        texts = tokenizer.encode_batch([r["text"][:4000] for r in part], add_special_tokens=False)
        prompts = tokenizer.encode_batch([_prompt(r) for r in part], add_special_tokens=False)
        encoded = zip(part, texts, prompts, strict=True)
        made += [_example(row, text.ids, prompt.ids) for row, text, prompt in encoded]
    return made


def paired(row: Row) -> bool:
    """Return whether *row* is read as prompt and answer, not as a text on its own."""
    known = row["labels"].get("harmful_compliance") is not None
    return row["dataset"] in _PAIRED and (known or row["dataset"] == "expertqa_clean")


def _prompt(row: Row) -> str:
    return str(row["prompt"] or "")[-2000:] if paired(row) else ""


def _example(row: Row, text: list[int], prompt: list[int]) -> Example:
    both = paired(row)
    longest = LONGEST_ANSWER if both else LONGEST_TEXT
    return Example(
        np.array(text[:longest], np.int32),
        _labels(row),
        str(row["dataset"]),
        np.array(prompt[-LONGEST_PROMPT:], np.int32) if both else None,
    )


def _labels(row: Row) -> npt.NDArray[np.float32]:
    known = dict(row["labels"])
    if row["dataset"] == "expertqa_clean":  # helpful answers to experts' questions
        known |= {"harmful_compliance": 0.0, "refusal": 0.0}
    return np.array([_number(known.get(name)) for name in LABELS], np.float32)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def known_share(made: Sequence[Example]) -> npt.NDArray[np.float64]:
    """Return for each label the share of *made* in which it is known."""
    return np.asarray(np.mean([np.isfinite(each.labels) for each in made], axis=0))


def datasets(made: Sequence[Example]) -> Iterator[str]:
    """Yield the names of the data sets in *made*, sorted."""
    yield from sorted({example.dataset for example in made})
