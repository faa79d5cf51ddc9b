"""Fits what turns measurements into risks, on rows that trained nothing else.

Out of fold: every risk behind a figure on the card comes from coefficients that were fitted
without the row's group (its document). What is shipped is fitted on all of the rows.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from trustlayer import Exchange, Finding, Span
from trustlayer_detectors._models.entailment import judge
from trustlayer_detectors._models.sessions import Floats
from trustlayer_detectors.figures import Figures
from trustlayer_detectors.grounding_calibration import Calibration, Logistic
from trustlayer_detectors.grounding_features import Sentence, drafts, of_answer, of_sentences
from trustlayer_detectors.quotations import Quotations
from trustlayer_detectors.training.metrics import best_f1_limit
from trustlayer_detectors.training.rows import Row, read

# Sentence pairs about captions tell nothing about answers; wice_token has one label only.
LEFT_OUT = frozenset({"nli_mnli", "nli_snli", "nli_rte", "nli_scitail", "wice_token"})
SENTENCE = ("joint", "novelty", "spread", "unsupported", "contradicted", "words")
ANSWER = ("joint", "words", "worst", "worst_three", "mean", "novelty", "spread", "plain")
PREVALENCE = 0.2  # of unsupported answers where grounding is used; the limit is chosen for it


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """An answer as both models see it, with its label; spans None if nobody marked them."""

    dataset: str
    group: str
    label: int
    sentences: list[Sentence]
    plain: float
    spans: tuple[Span, ...] | None

    def sentence_labels(self) -> list[int] | None:
        """Return whether each sentence is unsupported, where that is known."""
        if self.label == 0 or len(self.sentences) == 1:
            return [self.label] * len(self.sentences)
        if not self.spans:
            return None
        places = [sentence.draft.span for sentence in self.sentences]
        return [
            int(any(span.start < place.end and span.end > place.start for span in self.spans))
            for place in places
        ]


def drawn(path: Path, most: int, seed: int = 1) -> list[Row]:
    """Return up to *most* rows of each data set whose answers are like those of models."""
    sets: dict[str, list[Row]] = {}
    for row in read([path]):
        if row["dataset"] not in LEFT_OUT and row["answer"].strip() and row["context"].strip():
            sets.setdefault(row["dataset"], []).append(row)
    for rows in sets.values():
        random.Random(seed).shuffle(rows)
    return [row for _, rows in sorted(sets.items()) for row in rows[:most]]


def measured(rows: Sequence[Row], together: int = 16) -> Iterator[Measured]:
    """Yield the measurements of *rows*, in order."""
    for start in range(0, len(rows), together):
        some = rows[start : start + together]
        exchanges = [Exchange(r["question"] or "", r["answer"], (r["context"],)) for r in some]
        found = [list(drafts(exchange)) for exchange in exchanges]
        judged = iter(judge([draft.pair for each in found for draft in each]))
        for row, exchange, each in zip(some, exchanges, found, strict=True):
            sentences = [Sentence(draft, next(judged)) for draft in each]
            yield _measured(row, exchange, sentences)


def _measured(row: Row, exchange: Exchange, sentences: list[Sentence]) -> Measured:
    others = [other for d in (Figures(), Quotations()) for other in d.examine([exchange])]
    plain = max((other.risk for other in others if isinstance(other, Finding)), default=0.0)
    marked = row["spans"]
    spans = None if marked is None else tuple(Span(s["start"], s["end"]) for s in marked)
    return Measured(row["dataset"], row["group"], row["label"], sentences, plain, spans)


def joined(answers: Sequence[Measured], dataset: str, many: int, seed: int = 2) -> list[Measured]:
    """Return answers of two to eight claims about one document, put together from *answers*.

    The development data hold few long answers; their risk must not grow with length alone.
    """
    draw = random.Random(seed)
    groups: dict[str, list[Measured]] = {}
    for answer in answers:
        if answer.dataset == dataset:
            groups.setdefault(answer.group, []).append(answer)
    pools = [pool for _, pool in sorted(groups.items()) if len(pool) >= 8]
    return [_joined(draw.choice(pools), draw) for _ in range(many)] if pools else []


def _joined(pool: Sequence[Measured], draw: random.Random) -> Measured:
    sound = draw.random() < 0.6
    fit = [answer for answer in pool if not sound or answer.label == 0] or list(pool)
    parts = draw.sample(fit, min(len(fit), draw.randint(2, 8)))
    sentences = [sentence for part in parts for sentence in part.sentences]
    plain = max(part.plain for part in parts)
    label = max(part.label for part in parts)
    return Measured(parts[0].dataset + "_joined", parts[0].group, label, sentences, plain, None)


def fit(answers: Sequence[Measured], names: Sequence[str] = ANSWER) -> Calibration:
    """Fit both regressions and choose the limit."""
    sentence = _sentence(answers)
    table = features(answers, sentence)
    labels = np.array([answer.label for answer in answers])
    answer = _logistic(table, names, labels, _balance([a.dataset for a in answers]))
    return Calibration(sentence, answer, _limit(answers, answer(table), labels))


def features(answers: Sequence[Measured], sentence: Callable[..., Floats]) -> dict[str, Floats]:
    """Return the features of all answers, by name."""
    found = [of_answer(a.sentences, sentence(of_sentences(a.sentences)), a.plain) for a in answers]
    return {name: np.concatenate([each[name] for each in found]) for name in ANSWER}


def out_of_fold(
    answers: Sequence[Measured], names: Sequence[str] = ANSWER, folds: int = 5
) -> Floats:
    """Return the risk of each answer under coefficients fitted without its group."""
    groups = sorted({answer.group for answer in answers})
    random.Random(3).shuffle(groups)
    fold = {group: place % folds for place, group in enumerate(groups)}
    risks = np.zeros(len(answers), np.float32)
    for held in range(folds):
        rest = [answer for answer in answers if fold[answer.group] != held]
        own = [place for place, answer in enumerate(answers) if fold[answer.group] == held]
        found = fit(rest, names)
        risks[own] = found.answer(features([answers[place] for place in own], found.sentence))
    return risks


def _sentence(answers: Sequence[Measured]) -> Logistic:
    known = [(a, labels) for a in answers if (labels := a.sentence_labels()) is not None]
    tables = [of_sentences(answer.sentences) for answer, _ in known]
    table = {name: np.concatenate([each[name] for each in tables]) for name in SENTENCE}
    sets = [answer.dataset for answer, labels in known for _ in labels]
    labels = np.array([label for _, labels in known for label in labels])
    return _logistic(table, SENTENCE, labels, _balance(sets))


def _balance(sets: Sequence[str]) -> npt.NDArray[np.float64]:
    # Large sets count for more, but only by the root of their size.
    _, codes, counts = np.unique(list(sets), return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(counts[codes])
    return np.asarray(weights / np.mean(weights), np.float64)


def _logistic(
    table: dict[str, Floats],
    names: Sequence[str],
    labels: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
) -> Logistic:
    columns = np.column_stack([table[name] for name in names]).astype(np.float64)
    scales = np.maximum(columns.std(axis=0), 1e-6)
    model = LogisticRegression(C=1.0, max_iter=1000).fit(columns / scales, labels, weights)
    slopes = (model.coef_[0] / scales).round(5).tolist()
    return Logistic(dict(zip(names, slopes, strict=True)), round(float(model.intercept_[0]), 5))


def _limit(answers: Sequence[Measured], risks: Floats, labels: npt.NDArray[np.int64]) -> float:
    """Return the limit of the best F1 on answers of several sentences, at PREVALENCE."""
    several = np.array([len(answer.sentences) > 1 for answer in answers])
    chosen = labels[several], risks[several]
    sound, unsound = (int(np.sum(chosen[0] == label)) for label in (0, 1))
    weights = np.where(chosen[0] == 1, PREVALENCE / unsound, (1 - PREVALENCE) / sound)
    return round(best_f1_limit(*chosen, weights), 3)
