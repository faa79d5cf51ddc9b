"""Fits what turns measurements into risks, on rows that trained nothing else.

Out of fold: every risk behind a figure on the card comes from coefficients that were fitted
without the row's group (its document). What is shipped is fitted on all of the rows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from trustlayer import Exchange, Finding, Span
from trustlayer_detectors._models.entailment import judge
from trustlayer_detectors._models.sessions import Floats
from trustlayer_detectors.figures import Figures
from trustlayer_detectors.grounding_calibration import Calibration, Logistic, Risks
from trustlayer_detectors.grounding_features import Sentence, drafts, of_answer, of_sentences
from trustlayer_detectors.quotations import Quotations
from trustlayer_detectors.training.rows import Row, read

# Sentence pairs about captions tell nothing about answers; wice_token has one label only.
LEFT_OUT = frozenset({"nli_mnli", "nli_snli", "nli_rte", "nli_scitail", "wice_token"})
# Chosen by ablation, see weights/entailment/README.md.
SENTENCE = {"asked": ("joint",), "unasked": ("joint", "unsupported")}
ANSWER = {"asked": ("joint", "plain"), "unasked": ("plain", "unsupported")}
FEATURES = ("joint", "words", "novelty", "spread", "unsupported", "unsupported_mean", "plain")
# Sets with several claims about one document, from which longer answers are put together.
JOINED = (
    "factscore", "expertqa", "begin1", "begin2_wow", "faithdial_audit_wow",
    "faithdial_audit_tc", "faithdial_audit_cmu", "begin2_cmu",
)  # fmt: skip
LONG = 40  # word pieces
PREVALENCE = 0.2  # of unsupported answers where grounding is used; the limit is chosen for it


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """An answer as both models see it, with its label; spans None if nobody marked them."""

    dataset: str
    group: str
    asked: bool
    label: int
    sentences: list[Sentence]
    plain: float
    spans: tuple[Span, ...] | None

    def long(self) -> bool:
        """Tell whether the answer is as long as those of language models use to be."""
        return sum(len(sentence.draft.pieces) for sentence in self.sentences) > LONG

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


def measured(rows: Sequence[Row], together: int = 16, root: str = "") -> Iterator[Measured]:
    """Yield the measurements of *rows*, in order, by the weights under *root*."""
    for start in range(0, len(rows), together):
        some = rows[start : start + together]
        exchanges = [Exchange(r["question"] or "", r["answer"], (r["context"],)) for r in some]
        found = [list(drafts(exchange)) for exchange in exchanges]
        judged = iter(judge([draft.pair for each in found for draft in each], root))
        for row, exchange, each in zip(some, exchanges, found, strict=True):
            sentences = [Sentence(draft, next(judged)) for draft in each]
            yield _measured(row, exchange, sentences)


def _measured(row: Row, exchange: Exchange, sentences: list[Sentence]) -> Measured:
    others = [other for d in (Figures(), Quotations()) for other in d.examine([exchange])]
    plain = max((other.risk for other in others if isinstance(other, Finding)), default=0.0)
    marked = row["spans"]
    spans = None if marked is None else tuple(Span(s["start"], s["end"]) for s in marked)
    asked = bool(exchange.prompt.strip())
    return Measured(row["dataset"], row["group"], asked, row["label"], sentences, plain, spans)


def joined(answers: Sequence[Measured], many: int = 60, seed: int = 2) -> list[Measured]:
    """Return answers of two to eight claims about one document, put together from *answers*.

    The development data hold few long answers; their risk must not grow with length alone.
    *many* are made from each of the sets in JOINED.
    """
    draw = random.Random(seed)
    found: list[Measured] = []
    for dataset in JOINED:
        groups: dict[str, list[Measured]] = {}
        for answer in answers:
            if answer.dataset == dataset:
                groups.setdefault(answer.group, []).append(answer)
        pools = [pool for _, pool in sorted(groups.items()) if len(pool) >= 3]
        found += [_joined(draw.choice(pools), draw) for _ in range(many if pools else 0)]
    return found


def _joined(pool: Sequence[Measured], draw: random.Random) -> Measured:
    sound = draw.random() < 0.6
    fit = [answer for answer in pool if not sound or answer.label == 0] or list(pool)
    parts = draw.sample(fit, min(len(fit), draw.randint(2, 8)))
    sentences = [sentence for part in parts for sentence in part.sentences]
    plain = max(part.plain for part in parts)
    label = max(part.label for part in parts)
    name, group, asked = parts[0].dataset + "_joined", parts[0].group, parts[0].asked
    return Measured(name, group, asked, label, sentences, plain, None)


def fit(answers: Sequence[Measured]) -> Calibration:
    """Fit all regressions and choose the limit."""
    kinds = [_risks(kind, answers) for kind in ("asked", "unasked")]
    found = Calibration(kinds[0], kinds[1], 0.5)
    return replace(found, limit=_limit(answers, risks(found, answers)))


def risks(found: Calibration, answers: Sequence[Measured]) -> Floats:
    """Return the risk of each answer."""
    return np.array([_risk(found, answer) for answer in answers], np.float32)


def _risk(found: Calibration, answer: Measured) -> float:
    kind = found.asked if answer.asked else found.unasked
    return kind.of_answer(of_answer(answer.sentences, answer.plain))


def _risks(kind: str, answers: Sequence[Measured]) -> Risks:
    own = [answer for answer in answers if answer.asked == (kind == "asked")]
    found = [of_answer(answer.sentences, answer.plain) for answer in own]
    table = {name: np.concatenate([each[name] for each in found]) for name in FEATURES}
    labels = np.array([answer.label for answer in own])
    weights = _balance([answer.dataset for answer in own])
    fitted = _logistic(table, ANSWER[kind], labels, weights)
    return Risks(_sentence(kind, own), fitted, _curve(fitted(table), labels))


def recurved(found: Risks, answers: Sequence[Measured]) -> Risks:
    """Return *found* with a curve fitted to *answers*; its coefficients stay."""
    tables = [of_answer(answer.sentences, answer.plain) for answer in answers]
    table = {name: np.concatenate([each[name] for each in tables]) for name in FEATURES}
    labels = np.array([answer.label for answer in answers])
    return replace(found, curve=_curve(found.answer(table), labels))


def _curve(
    given: Floats, labels: npt.NDArray[np.int64], bins: int = 10
) -> list[tuple[float, float]]:
    """Return the observed share in bins of equal count, made to rise (isotonic)."""
    order = np.argsort(given, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    centres = np.array([np.mean(given[part]) for part in parts])
    shares = np.array([(np.sum(labels[part]) + 0.5) / (len(part) + 1) for part in parts])
    rising = IsotonicRegression().fit_transform(centres, shares)
    # Strictly, so that what the logistic tells apart stays apart.
    rising = rising + 1e-3 * np.arange(len(rising))
    pairs = [(0.0, 0.0), *zip(centres.tolist(), rising.tolist(), strict=True), (1.0, 1.0)]
    return [(round(x, 5), round(min(y, 1.0), 5)) for x, y in pairs]


def out_of_fold(answers: Sequence[Measured], folds: int = 5) -> Floats:
    """Return the risk of each answer under coefficients fitted without its group."""
    groups = sorted({answer.group for answer in answers})
    random.Random(3).shuffle(groups)
    fold = {group: place % folds for place, group in enumerate(groups)}
    found = np.zeros(len(answers), np.float32)
    for held in range(folds):
        fitted = fit([answer for answer in answers if fold[answer.group] != held])
        own = [place for place, answer in enumerate(answers) if fold[answer.group] == held]
        found[own] = risks(fitted, [answers[place] for place in own])
    return found


def _sentence(kind: str, answers: Sequence[Measured]) -> Logistic:
    known = [(a, labels) for a in answers if (labels := a.sentence_labels()) is not None]
    tables = [of_sentences(answer.sentences) for answer, _ in known]
    names = SENTENCE[kind]
    table = {name: np.concatenate([each[name] for each in tables]) for name in names}
    sets = [answer.dataset for answer, labels in known for _ in labels]
    targets = np.array([label for _, labels in known for label in labels])
    return _logistic(table, names, targets, _balance(sets))


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


def _limit(answers: Sequence[Measured], found: Floats) -> float:
    """Return the limit of the best F1 on long answers to a question, at PREVALENCE.

    These are few, so each limit counts for the mean of F1 in its neighbourhood.
    """
    own = [place for place, answer in enumerate(answers) if answer.asked and answer.long()]
    labels, risks = np.array([answers[place].label for place in own]), found[own]
    grid = np.arange(0.3, 0.951, 0.01)
    f1 = np.array([_f1(labels, risks > limit) for limit in grid])
    smooth = np.convolve(np.pad(f1, 5, "edge"), np.full(11, 1 / 11), "valid")
    return round(float(grid[int(np.argmax(smooth))]), 2)


def _f1(labels: npt.NDArray[np.int64], flagged: npt.NDArray[np.bool_]) -> float:
    hits = PREVALENCE * float(np.mean(flagged[labels == 1]))
    alarms = (1 - PREVALENCE) * float(np.mean(flagged[labels == 0]))
    return 2 * hits / (hits + alarms + PREVALENCE)
