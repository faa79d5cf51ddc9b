"""From labelled answers to limits with a guarantee that holds for every sample size.

Selective risk is bounded by learn-then-test with a fixed sequence (Angelopoulos et al., "Learn
then Test", arXiv 2110.01052): a tuning split chooses a one-dimensional path of limits and
where on it to start; a disjoint calibration split tests the points of that path from strict to
permissive by exact binomial p-values, and stops at the first that fails. False alarms on clean
answers are bounded by split conformal prediction, on whole answers: a limit for sentences
would be exceeded somewhere in most long answers.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trustlayer.binomial import fewest, tail
from trustlayer.certificate import EVERYONE, Bound, Certificate
from trustlayer.errors import Uncertifiable
from trustlayer.path import Flags, Path, Risks, best_path

TUNING = 0.3  # the share of the labels that chooses the path
STEPS = 50  # points on the path


@dataclass(frozen=True, slots=True)
class Labelled:
    """One answer whose soundness is known; *risks* lacks a detector that could not examine it."""

    risks: Mapping[str, float]
    bad: bool
    group: str = EVERYONE

    def __post_init__(self) -> None:
        for name, risk in self.risks.items():
            if not 0.0 <= risk <= 1.0:
                raise ValueError(f"the risk of {name} must lie in [0, 1], got {risk}")


@dataclass(frozen=True, slots=True)
class Goal:
    """At most *risk* bad among the accepted, with probability *confidence*.

    *false_alarms* is the rate at which clean answers may exceed the alarm limits.
    """

    risk: float = 0.05
    confidence: float = 0.9
    false_alarms: float | None = 0.05

    def __post_init__(self) -> None:
        for name in ("risk", "confidence", "false_alarms"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < 1.0:
                raise ValueError(f"{name} must lie between 0 and 1, got {value}")


def calibrate(
    labelled: Sequence[Labelled],
    detectors: Mapping[str, str],
    goal: Goal = Goal(),  # frozen
    *,
    by_group: bool = False,
    streamed: bool = False,
    seed: int = 0,
) -> Certificate:
    """Certify limits for *detectors* (versions by name); raises Uncertifiable.

    *by_group* certifies every group by itself, the doubt being shared out among them
    (Mondrian). Groups that cannot be certified are named in the certificate; when there is
    none that can, nothing is issued. *streamed* says that the risks are the largest over all
    beginnings of an answer.
    """
    parts = _parts(labelled, by_group)
    doubt = (1.0 - goal.confidence) / max(1, len(parts))
    bounds: dict[str, Bound] = {}
    refused: dict[str, str] = {}
    for group, rows in parts.items():
        try:
            bounds[group] = _bound(rows, sorted(detectors), goal, doubt, seed)
        except Uncertifiable as error:
            refused[group] = str(error)
    if not bounds:
        raise Uncertifiable(_refusals(refused))
    return Certificate(
        risk=goal.risk,
        confidence=goal.confidence,
        detectors=dict(detectors),
        bounds=bounds,
        data=digest(labelled),
        labels=len(labelled),
        bad=sum(row.bad for row in labelled),
        false_alarms=goal.false_alarms,
        uncertified=refused,
        streamed=streamed,
    )


def digest(labelled: Sequence[Labelled]) -> str:
    """A name for exactly these labels in this order."""
    made = hashlib.sha256()
    for row in labelled:
        line = json.dumps([sorted(row.risks.items()), row.bad, row.group])
        made.update(line.encode() + b"\n")
    return f"sha256:{made.hexdigest()}"


def conformal(risks: Sequence[float], rate: float) -> float | None:
    """The level that one more risk, drawn like *risks*, exceeds with probability *rate* at most.

    None when there are too few of them to promise that.
    """
    rank = int(np.ceil((len(risks) + 1) * (1.0 - rate) - 1e-9))
    return sorted(risks)[rank - 1] if 0 < rank <= len(risks) else None


def _parts(labelled: Sequence[Labelled], by_group: bool) -> dict[str, list[Labelled]]:
    parts: dict[str, list[Labelled]] = {}
    for row in labelled:
        parts.setdefault(row.group if by_group else EVERYONE, []).append(row)
    return parts or {EVERYONE: []}


def _bound(
    rows: Sequence[Labelled], names: Sequence[str], goal: Goal, doubt: float, seed: int
) -> Bound:
    needed = fewest(goal.risk, doubt)
    first = round(TUNING * len(rows))
    if len(rows) - first < needed:
        raise Uncertifiable(
            f"{len(rows)} labels are too few: a risk of {goal.risk:g} at this confidence takes "
            f"{needed} accepted answers without an error, so at least "
            f"{int(np.ceil(needed / (1.0 - TUNING)))} labels"
        )
    order = random.Random(seed).sample(range(len(rows)), len(rows))
    risks = np.array([[row.risks.get(name, np.inf) for name in names] for row in rows])
    bad = np.array([row.bad for row in rows], dtype=bool)
    tuning, rest = order[:first], order[first:]
    path = best_path(risks[tuning], bad[tuning], names, goal.risk, STEPS)
    return _tested(path, (risks[tuning], bad[tuning]), (risks[rest], bad[rest]), goal, doubt)


def _tested(
    path: Path,
    tuning: tuple[Risks, Flags],
    calibration: tuple[Risks, Flags],
    goal: Goal,
    doubt: float,
) -> Bound:
    (known, known_bad), (risks, bad) = tuning, calibration
    passed: tuple[int, int, int] | None = None
    for point in range(_start(path, known, known_bad, goal.risk), len(path.points)):
        accepted, errors = _counts(path, point, risks, bad)
        if tail(errors, accepted, goal.risk) > doubt:
            break
        passed = (point, accepted, errors)
    if passed is None:
        raise Uncertifiable(_shortfall(path, risks, bad, goal, doubt))
    point, accepted, errors = passed
    alarms = None
    if goal.false_alarms is not None:
        alarms = _alarms(path, risks[~bad], goal.false_alarms)
    return Bound(
        limits=path.limits(point),
        accepted=accepted,
        bad=errors,
        calibration=len(bad),
        tuning=len(known_bad),
        alarms=alarms,
    )


def _start(path: Path, risks: Risks, bad: Flags, risk: float) -> int:
    # Any start is valid that does not look at the calibration labels; this one is the likeliest
    # to pass, and the strictest of the equally likely.
    counts = [_counts(path, point, risks, bad) for point in range(len(path.points))]
    return int(np.argmin([tail(errors, accepted, risk) for accepted, errors in counts]))


def _counts(path: Path, point: int, risks: Risks, bad: Flags) -> tuple[int, int]:
    """How many answers a point accepts, and how many of those are bad."""
    accepted = path.accepts(point, risks)
    return int(accepted.sum()), int(bad[accepted].sum())


def _alarms(path: Path, clean: Risks, rate: float) -> dict[str, float] | None:
    level = conformal([float(v) for v in path.levels(clean)], rate)
    return None if level is None or not np.isfinite(level) else path.limits_at(level)


def _shortfall(path: Path, risks: Risks, bad: Flags, goal: Goal, doubt: float) -> str:
    """Why nothing passed, and how many labels would, were the observed rates the true ones."""
    totals: list[int] = []
    for point in range(len(path.points)):
        accepted, errors = _counts(path, point, risks, bad)
        factors = (1, 2, 4, 8, 16, 32, 64) if errors < goal.risk * accepted else ()
        for factor in factors:
            if tail(errors * factor, accepted * factor, goal.risk) <= doubt:
                totals.append(int(len(bad) * factor / (1.0 - TUNING)))
                break
    if not totals:
        return (
            f"of no share of the answers are at most {goal.risk:g} bad, as far as these detectors "
            f"tell: {len(bad)} labels were tested, {int(bad.sum())} of them bad"
        )
    return f"the labels do not suffice: it takes about {min(totals)} at the error rates observed"


def _refusals(refused: Mapping[str, str]) -> str:
    if set(refused) == {EVERYONE}:
        return refused[EVERYONE]
    return "; ".join(f"{group!r}: {reason}" for group, reason in refused.items())
