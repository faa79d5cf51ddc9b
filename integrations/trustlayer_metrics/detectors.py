"""A detector made of a metric."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from trustlayer import Exchange, Finding, Unexamined
from trustlayer.finding import FunctionDetector
from trustlayer_metrics.arguments import arguments_for, test_case_of
from trustlayer_metrics.scores import finding_of


def as_detector(
    metric: Any,
    name: str | None = None,
    *,
    higher_is_better: bool | None = None,
    limit: float | None = None,
) -> FunctionDetector:
    """Make a detector of *metric*: a function, or an object with ``measure``.

    A function is given the parts of the exchange that its parameters are named after, like
    ``prompt``, ``response`` and ``context``. Its number becomes a risk: 1 minus it where
    *higher_is_better*, as in TruLens and DeepEval and by default, unless the metric itself
    says otherwise. *limit* is the risk up to which an answer is sound; without it, it is the
    metric's own threshold, if it has one.
    """
    called = name or _name(metric)
    rising = _rising(metric) if higher_is_better is None else higher_is_better
    bound = _limit(metric, rising) if limit is None else limit

    def examine(exchange: Exchange) -> Finding | Unexamined:
        given = _measured(metric, exchange)
        _expect_direction(given, called, rising)
        return finding_of(given, called, higher_is_better=rising, limit=bound)

    return FunctionDetector(examine, called, limit=bound)


def _measured(metric: Any, exchange: Exchange) -> object:
    measure: Callable[[Any], object] | None = getattr(metric, "measure", None)
    if measure is None:
        function = getattr(metric, "imp", metric)  # TruLens keeps it under that name
        given = arguments_for(function, exchange)
        return function(exchange.answer) if given is None else function(**given)
    own = copy(metric)  # it keeps its score on itself, and many may measure at once
    own.measure(test_case_of(exchange))
    return own


def _expect_direction(given: object, name: str, rising: bool) -> None:
    # What the metric itself calls a success must be one to us.
    score, threshold, success = (getattr(given, n, None) for n in ("score", "threshold", "success"))
    if not isinstance(success, bool) or not isinstance(score, int | float):
        return
    if not isinstance(threshold, int | float) or score == threshold:
        return
    if success is not ((score > threshold) is rising):
        called = "success" if success else "failure"
        raise ValueError(
            f"the metric {name!r} calls {score:g} a {called} at a threshold of {threshold:g}, "
            f"expected the opposite: write as_detector(metric, higher_is_better={not rising})"
        )


def _name(metric: Any) -> str:
    given = getattr(metric, "__name__", None) or getattr(metric, "name", None)
    called = str(given) if isinstance(given, str) else type(metric).__name__
    return "metric" if called == "<lambda>" else called


def _rising(metric: Any) -> bool:
    told = getattr(metric, "higher_is_better", None)
    return told if isinstance(told, bool) else True


def _limit(metric: Any, rising: bool) -> float | None:
    threshold = getattr(metric, "threshold", None)
    if not isinstance(threshold, int | float):
        return None
    return 1.0 - threshold if rising else float(threshold)
