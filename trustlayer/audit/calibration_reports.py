"""Whether risks still are probabilities: detectors' risks beside what people say, over time.

The expected calibration error (arXiv 1706.04599) has bins of equal count, fewer for fewer
labels. It is never zero for few labels, also where risks are perfect: how large it would be by
chance alone stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np

from trustlayer.audit import scope as scopes
from trustlayer.audit.audited import Answer, answers
from trustlayer.audit.outcome_reports import Every
from trustlayer.audit.scope import Scope
from trustlayer.audit.store import AuditStore
from trustlayer.metrics import Flags, Floats, Interval, bootstrap, ratio

FEWEST = 30  # labels for a figure at all
_PER_BIN = 20  # labels, for which there is one more bin, from 2 to 15 of them
_DRAWS = 500
_MOST = 2_000_000  # cells of resamples: of more labels, fewer resamples


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """A detector's risks beside labels, for answers given since *start*, or for all of them.

    *gap* is by how much the mean risk exceeds the share of bad answers. *by_chance* is the
    error that perfect risks would show with as many labels. *weighted* says that labels weigh
    by the inverse of the probability of having been made; where none is known, all weigh the
    same. What cannot be said is None, and *lacking* says why.
    """

    detector: str
    start: datetime | None
    labels: int
    bad: int
    weighted: bool
    gap: Interval | None = None
    error: Interval | None = None
    by_chance: float | None = None
    lacking: str = ""


def calibrations(
    store: AuditStore, scope: Scope | datetime | None = None, every: Every = Every.MONTH
) -> list[CalibrationReport]:
    """For each detector, over all labelled answers and by period, the earliest first."""
    scope = scopes.of(scope)
    with store.snapshot() as session:
        labelled = answers(session, scope)
    drawn = [one for one in labelled if one.propensity is not None]
    known = drawn or labelled
    names = sorted({name for one in known for name in one.risks})
    if scope.detector is not None:
        names = [name for name in names if name == scope.detector]
    return [report for name in names for report in _of(name, known, bool(drawn), every)]


def calibration_error(risks: Floats, bad: Flags, chances: Floats, weights: Floats) -> Floats:
    """The error for resamples *weights*, shape (draws, n), each answer weighing 1 / *chances*."""
    weights = weights / chances
    gaps = weights * (bad - risks)
    bins = _bins(risks)
    sums = np.stack([np.abs(gaps[:, bins == b].sum(axis=1)) for b in np.unique(bins)])
    return ratio(sums.sum(axis=0), weights.sum(axis=1))


def _of(
    name: str, known: Sequence[Answer], weighted: bool, every: Every
) -> Iterator[CalibrationReport]:
    examined = [one for one in known if name in one.risks]
    yield _report(name, None, examined, weighted)
    starts = sorted({every.start(one.started.date()) for one in examined})
    for start in starts if len(starts) > 1 else []:
        some = [one for one in examined if every.start(one.started.date()) == start]
        yield _report(name, start, some, weighted)


def _report(
    name: str, start: datetime | None, some: Sequence[Answer], weighted: bool
) -> CalibrationReport:
    bad = np.array([one.bad for one in some], dtype=bool)
    counts = (name, start, len(some), int(bad.sum()), weighted)
    if len(some) < FEWEST:
        lacking = f"too few labels: {len(some)}; a figure takes {FEWEST} or more"
        return CalibrationReport(*counts, lacking=lacking)
    risks = np.array([one.risks[name] for one in some])
    chances = np.array([one.propensity if weighted else 1.0 for one in some], dtype=float)
    measures = {
        "gap": partial(_gap, risks, bad, chances),
        "error": partial(calibration_error, risks, bad, chances),
    }
    draws = max(100, min(_DRAWS, _MOST // len(some)))
    found = bootstrap(measures, [str(n) for n in range(len(some))], draws)
    error = _around(found["error"])
    return CalibrationReport(*counts, found["gap"], error, _by_chance(risks, chances))


def _around(error: Interval) -> Interval:
    # Resamples show a larger error than the labels themselves, which a percentile interval may
    # then leave out: this one reaches as far down as it does up.
    low = max(0.0, min(error.low, 2.0 * error.value - error.high))
    return Interval(error.value, low, max(error.value, error.high))


def _gap(risks: Floats, bad: Flags, chances: Floats, weights: Floats) -> Floats:
    weights = weights / chances
    return ratio(weights @ (risks - bad), weights.sum(axis=1))


def _by_chance(risks: Floats, chances: Floats, draws: int = 100) -> float:
    source = np.random.default_rng(0)
    once = np.ones((1, len(risks)))
    made = [
        calibration_error(risks, source.random(len(risks)) < risks, chances, once)[0]
        for _ in range(draws)
    ]
    return float(np.mean(made))


def _bins(risks: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    number = max(2, min(15, len(risks) // _PER_BIN))
    edges = np.quantile(risks, np.linspace(0.0, 1.0, number + 1)[1:-1])
    return np.searchsorted(np.unique(edges), risks, side="left").astype(np.int64)
