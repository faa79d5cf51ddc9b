"""Detectors at work: every failure of theirs becomes an `Unexamined`, never silence."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from trustlayer.deadline import TimedOut, within
from trustlayer.exchange import Exchange
from trustlayer.finding import Detector, Finding, Unexamined

Found = Finding | Unexamined
Settled = Callable[[Mapping[str, Found]], str | None]


@dataclass(frozen=True, slots=True)
class Examination:
    """What all detectors said of one exchange; *seconds* is each detector's share of the time."""

    findings: Mapping[str, Finding]
    unexamined: tuple[Unexamined, ...]
    seconds: Mapping[str, float]


def examine(
    detectors: Sequence[Detector],
    exchanges: Sequence[Exchange],
    timeout: float | None = None,
    *,
    deadline: float = math.inf,
    settled: Settled | None = None,
) -> list[Examination]:
    """Have each detector examine the whole batch, in one call.

    *timeout* is in seconds an exchange. A detector that takes longer goes on in its thread,
    which cannot be stopped, but its word is no longer waited for; nor is any after *deadline*,
    a time of `time.perf_counter`. The detectors are asked in order: what *settled* gives a
    reason for is not examined any further.
    """
    found: list[dict[str, Found]] = [{} for _ in exchanges]
    seconds: list[dict[str, float]] = [{} for _ in exchanges]
    for detector in detectors:
        open_ = _open(detector, found, settled)
        if not open_:
            continue
        begun = time.perf_counter()
        batch = [exchanges[i] for i in open_]
        for i, word in zip(open_, _in_time(detector, batch, timeout, deadline), strict=True):
            found[i][detector.name] = word
        share = (time.perf_counter() - begun) / len(open_)
        for i in open_:
            seconds[i][detector.name] = share
    return [_row(*row) for row in zip(found, seconds, strict=True)]


def _open(
    detector: Detector, found: Sequence[dict[str, Found]], settled: Settled | None
) -> list[int]:
    """Which exchanges *detector* still has to examine; for the others it is noted why not."""
    left: list[int] = []
    for i, words in enumerate(found):
        reason = settled(words) if settled is not None else None
        if reason is None:
            left.append(i)
        else:
            words[detector.name] = Unexamined.skipped(detector.name, reason)
    return left


def _in_time(
    detector: Detector, batch: Sequence[Exchange], timeout: float | None, deadline: float
) -> list[Found]:
    if deadline == math.inf:
        return _one(detector, batch, timeout)
    left = (deadline - time.perf_counter()) / len(batch)
    if left <= 0.0:
        return [Unexamined(detector.name, "no time was left for it")] * len(batch)
    return _one(detector, batch, left if timeout is None else min(timeout, left))


def _row(found: Mapping[str, Found], seconds: Mapping[str, float]) -> Examination:
    findings = {name: f for name, f in found.items() if isinstance(f, Finding)}
    failures = tuple(f for f in found.values() if isinstance(f, Unexamined))
    return Examination(findings, failures, seconds)


def _one(detector: Detector, batch: Sequence[Exchange], timeout: float | None) -> list[Found]:
    allowed = None if timeout is None else timeout * len(batch)
    try:
        found = within(allowed, lambda: detector.examine(batch))
        return _sensible(detector.name, batch, found)
    except TimedOut:
        reason = f"gave no finding within {allowed:g} s"
        return [Unexamined(detector.name, reason)] * len(batch)
    except Exception as error:
        return _apart(detector, batch, timeout, error)


def _apart(
    detector: Detector, batch: Sequence[Exchange], timeout: float | None, error: Exception
) -> list[Found]:
    # One exchange must not keep the others of its batch from being examined.
    if len(batch) == 1:
        return [Unexamined(detector.name, f"raised {type(error).__name__}: {error}")]
    return [_one(detector, [exchange], timeout)[0] for exchange in batch]


def _sensible(name: str, batch: Sequence[Exchange], found: object) -> list[Found]:
    if not isinstance(found, Sequence):
        raise TypeError(f"returned {type(found).__name__}, expected a sequence of findings")
    answers = cast("Sequence[object]", found)
    if len(answers) != len(batch):
        raise ValueError(f"returned {len(answers)} findings for {len(batch)} exchanges")
    return [_plausible(name, exchange, f) for exchange, f in zip(batch, answers, strict=True)]


def _plausible(name: str, exchange: Exchange, found: object) -> Found:
    if isinstance(found, Unexamined):  # only we may say that a detector was not needed
        return Unexamined(name, f"said {found.reason}" if found.needless else found.reason)
    if not isinstance(found, Finding):
        return Unexamined(name, f"returned {type(found).__name__}, expected a Finding")
    for evidence in found.evidence:
        if evidence.span is not None and evidence.span.end > len(exchange.answer):
            end, length = evidence.span.end, len(exchange.answer)
            return Unexamined(name, f"pointed to character {end} of an answer of {length}")
    return found
