"""From what a metric gives to a finding: one direction, one scale, or nothing at all."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any, cast

from trustlayer import Evidence, Finding, Unexamined


def finding_of(
    given: object, name: str, *, higher_is_better: bool, limit: float | None
) -> Finding | Unexamined:
    """Read *given*: a number, a bool, a pair of a number and reasons, or an object of both.

    A number has to lie in [0, 1]; one that is missing or not finite leaves the answer
    unexamined. Reasons are evidence where the risk is above *limit*.
    """
    if isinstance(given, Finding | Unexamined):
        return given
    score, reason = _parts(given)
    if score is None or not isfinite(score):
        return Unexamined(name, f"the metric gave no score: {_brief(given)}")
    if not 0.0 <= score <= 1.0:
        error = ValueError(f"the metric {name!r} gave {score}, expected a number in [0, 1]")
        error.add_note("scale it: as_detector(lambda exchange: metric(exchange.answer) / 10)")
        raise error
    risk = 1.0 - score if higher_is_better else score
    doubted = risk > (0.5 if limit is None else limit)
    why = reason or f"{name}: {score:.2f}"
    return Finding(risk, (Evidence(why),) if doubted else ())


def _parts(given: object) -> tuple[float | None, str]:
    if isinstance(given, bool | int | float):
        return float(given), ""
    if isinstance(given, tuple | list) and given:
        rest = cast("tuple[Any, ...]", given)
        return _number(rest[0]), _words(rest[1]) if len(rest) > 1 else ""
    if isinstance(given, Mapping):
        found = cast("Mapping[str, Any]", given)
        return _number(found.get("score")), _words(found.get("reason") or found.get("explanation"))
    score = next(
        (s for s in map(_held(given), ("score", "result", "value")) if s is not None), None
    )
    reason = getattr(given, "reason", None) or getattr(given, "explanation", None)
    return _number(score), _words(reason)


def _held(given: object) -> Any:
    return lambda name: getattr(given, name, None)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, bool | int | float) else None


def _words(reason: object) -> str:
    if isinstance(reason, Mapping):
        return "; ".join(f"{k}: {v}" for k, v in reason.items())
    return "" if reason is None else str(reason)


def _brief(given: object) -> str:
    return repr(given)[:80]
