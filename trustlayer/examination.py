"""Detectors at work: every failure of theirs becomes an `Unexamined`, never silence."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from threading import Thread
from typing import TypeVar, cast

from trustlayer.exchange import Exchange
from trustlayer.finding import Detector, Finding, Unexamined

Found = Finding | Unexamined
T = TypeVar("T")


class _TimedOut(Exception):
    # Not TimeoutError: a detector may raise that one itself, for one exchange of a batch.
    pass


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
) -> list[Examination]:
    """Have each detector examine the whole batch, in one call.

    *timeout* is in seconds an exchange. A detector that takes longer goes on in its thread,
    which cannot be stopped, but its word is no longer waited for.
    """
    columns: dict[str, list[Found]] = {}
    seconds: dict[str, float] = {}
    for detector in detectors if exchanges else ():
        begun = time.perf_counter()
        columns[detector.name] = _one(detector, exchanges, timeout)
        seconds[detector.name] = (time.perf_counter() - begun) / len(exchanges)
    return [
        _row({name: found[i] for name, found in columns.items()}, seconds)
        for i in range(len(exchanges))
    ]


def _row(found: Mapping[str, Found], seconds: Mapping[str, float]) -> Examination:
    findings = {name: f for name, f in found.items() if isinstance(f, Finding)}
    failures = tuple(f for f in found.values() if isinstance(f, Unexamined))
    return Examination(findings, failures, seconds)


def _one(detector: Detector, batch: Sequence[Exchange], timeout: float | None) -> list[Found]:
    allowed = None if timeout is None else timeout * len(batch)
    try:
        found = _within(allowed, lambda: detector.examine(batch))
        return _sensible(detector.name, batch, found)
    except _TimedOut:
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
    if isinstance(found, Unexamined):
        return Unexamined(name, found.reason)
    if not isinstance(found, Finding):
        return Unexamined(name, f"returned {type(found).__name__}, expected a Finding")
    for evidence in found.evidence:
        if evidence.span is not None and evidence.span.end > len(exchange.answer):
            end, length = evidence.span.end, len(exchange.answer)
            return Unexamined(name, f"pointed to character {end} of an answer of {length}")
    return found


def _within(seconds: float | None, call: Callable[[], T]) -> T:
    if seconds is None:
        return call()
    future: Future[T] = Future()
    context = contextvars.copy_context()  # so that traces and callbacks reach the detector

    def work() -> None:
        try:
            future.set_result(context.run(call))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=work, daemon=True, name="trustlayer-examination").start()
    if not wait([future], seconds).done:
        raise _TimedOut
    return future.result()
