"""How good detectors are on judged answers: one and the same measures for ours and for yours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter

import numpy as np

from trustlayer.finding import Finding
from trustlayer.judgements import Judgement
from trustlayer.metrics import (
    Flags,
    Floats,
    Interval,
    Measure,
    auprc,
    auroc,
    auroc_within,
    balanced_accuracy_above,
    bootstrap,
    calibration_error,
    f1_above,
    ratio,
)
from trustlayer.policy import Policy

TOGETHER = "together"  # the largest risk, each on a scale on which its detector's limit is 0.5
BASELINES: Mapping[str, Callable[[Judgement], float]] = {
    "length": lambda answer: float(answer.length),
    "novelty": lambda answer: answer.novelty,
}

Bootstrap = Callable[[Mapping[str, Callable[[Floats], Floats]], Sequence[str]], dict[str, Interval]]


@dataclass(frozen=True, slots=True)
class Result:
    """How one detector, or a baseline, told bad answers from good ones.

    *limit* is None for a baseline, which has none, and then so is what depends on a limit or on
    risks being probabilities. *span_f1* is over characters, of all evidence with a span, and
    None where nobody marked spans.
    """

    name: str
    examined: int
    unexamined: int
    auroc: Interval
    auprc: Interval
    limit: float | None = None
    f1: Interval | None = None
    balanced_accuracy: Interval | None = None
    calibration_error: Interval | None = None
    span_f1: Interval | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """The results on some of the answers: all, those of one dataset, those of one model."""

    title: str
    answers: int
    bad: int
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All parts, and by kind of piece ("dataset", "model") the AUROC within single pieces.

    That is the probability that a bad answer has a higher risk than a good one of the same
    dataset, or model: what telling easy datasets, or weak models, from others does not lift.
    """

    parts: tuple[Part, ...]
    within: Mapping[str, Mapping[str, Interval]]


def evaluate(
    answers: Sequence[Judgement], limits: Mapping[str, float], *, draws: int = 1000, seed: int = 0
) -> Evaluation:
    """Measure the detectors that *limits* names, with 95 % bootstrap intervals by group.

    Answers weigh by the inverse of their propensities.
    """
    if not answers:
        raise ValueError("there is no answer to evaluate on")
    drawn: Bootstrap = partial(bootstrap, draws=draws, seed=seed)
    answers, limits = _together(answers, limits)
    parts = [_part("all", answers, limits, drawn)]
    within: dict[str, dict[str, Interval]] = {}
    for kind in ("dataset", "model"):
        pieces = _pieces(answers, kind)
        if len(pieces) > 1:
            parts += [_part(f"{kind} {n}", piece, limits, drawn) for n, piece in pieces.items()]
            names = [*limits, *BASELINES]
            within[kind] = {name: _within(answers, kind, name, drawn) for name in names}
    return Evaluation(tuple(parts), within)


def column(answers: Sequence[Judgement], name: str) -> tuple[Floats, Flags, list[Judgement]]:
    """The risks by detector, or baseline, *name*, of those that it could examine, falling."""
    if name in BASELINES:
        known = [(BASELINES[name](answer), answer) for answer in answers]
    else:
        known = [(answer.risks[name], answer) for answer in answers if name in answer.risks]
    known.sort(key=itemgetter(0), reverse=True)
    kept = [answer for _, answer in known]
    risks = np.array([risk for risk, _ in known], dtype=float)
    return risks, np.array([answer.bad for answer in kept], dtype=bool), kept


def _together(
    answers: Sequence[Judgement], limits: Mapping[str, float]
) -> tuple[Sequence[Judgement], Mapping[str, float]]:
    # What a Verifier goes by; an answer counts only if all could examine it that could any.
    able = {name for name in limits if any(name in answer.risks for answer in answers)}
    if len(able) < 2:
        return answers, limits
    policy = Policy(limits=limits)
    made = [
        replace(answer, risks={**answer.risks, TOGETHER: policy.risk(_findings(answer))})
        if answer.risks.keys() >= able
        else answer
        for answer in answers
    ]
    return made, {**limits, TOGETHER: 0.5}


def _findings(answer: Judgement) -> dict[str, Finding]:
    return {name: Finding(risk) for name, risk in answer.risks.items()}


def _part(
    title: str, answers: Sequence[Judgement], limits: Mapping[str, float], drawn: Bootstrap
) -> Part:
    results = [_result(answers, name, limits.get(name), drawn) for name in (*limits, *BASELINES)]
    return Part(title, len(answers), sum(answer.bad for answer in answers), tuple(results))


def _result(
    answers: Sequence[Judgement], name: str, limit: float | None, drawn: Bootstrap
) -> Result:
    risks, bad, kept = column(answers, name)
    measures: dict[str, Measure] = {"auroc": auroc, "auprc": auprc}
    if limit is not None:
        measures["f1"] = f1_above(limit)
        measures["balanced_accuracy"] = balanced_accuracy_above(limit)
        measures["calibration_error"] = calibration_error
    chances = _chances(kept)
    figures = {n: _weighed(partial(m, risks, bad), chances) for n, m in measures.items()}
    found = drawn(figures, _groups(kept))
    return Result(
        name,
        len(kept),
        len(answers) - len(kept),
        **found,
        limit=limit,
        span_f1=_span_f1(kept, name, drawn),
    )


def _span_f1(answers: Sequence[Judgement], name: str, drawn: Bootstrap) -> Interval | None:
    marked = [answer for answer in answers if name in answer.overlaps]
    if not any(answer.overlaps[name].bad for answer in marked):
        return None
    overlaps = [answer.overlaps[name] for answer in marked]
    both = np.array([2.0 * overlap.both for overlap in overlaps])
    either = np.array([float(overlap.marked + overlap.bad) for overlap in overlaps])

    def f1(weights: Floats) -> Floats:
        return ratio(weights @ both, weights @ either)

    return drawn({"f1": _weighed(f1, _chances(marked))}, _groups(marked))["f1"]


def _within(answers: Sequence[Judgement], kind: str, name: str, drawn: Bootstrap) -> Interval:
    risks, bad, kept = column(answers, name)
    pieces = np.array([getattr(answer, kind) for answer in kept], dtype=object)
    masks = [pieces == piece for piece in dict.fromkeys(pieces)]
    area = _weighed(partial(auroc_within, masks, risks, bad), _chances(kept))
    return drawn({"auroc": area}, _groups(kept))["auroc"]


def _chances(answers: Sequence[Judgement]) -> Floats:
    return np.array([answer.propensity for answer in answers], dtype=float)


def _weighed(measure: Callable[[Floats], Floats], chances: Floats) -> Callable[[Floats], Floats]:
    # An answer that was half as likely to be drawn for judging stands for twice as many.
    return lambda weights: measure(weights / chances)


def _pieces(answers: Sequence[Judgement], kind: str) -> dict[str, list[Judgement]]:
    pieces: dict[str, list[Judgement]] = {}
    for answer in answers:
        pieces.setdefault(getattr(answer, kind) or "(unnamed)", []).append(answer)
    return pieces


def _groups(answers: Sequence[Judgement]) -> list[str]:
    # An answer without a group is one of its own.
    return [
        f"{answer.dataset}\0{answer.group}" if answer.group else f"\0\0{number}"
        for number, answer in enumerate(answers)
    ]
