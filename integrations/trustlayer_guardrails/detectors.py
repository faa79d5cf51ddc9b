"""The other way round: any Guardrails validator as a trustlayer detector."""

from __future__ import annotations

from typing import Any

from guardrails.validator_base import Validator
from guardrails_ai.types import FailResult

from trustlayer import Evidence, Exchange, Finding, Span
from trustlayer.finding import FunctionDetector


def as_detector(validator: Validator, name: str | None = None) -> FunctionDetector:
    """Make a detector of *validator*: its word is final, so its risk is 0 or 1.

    It is given the ``prompt``, ``context``, ``samples`` and ``logprobs`` as its metadata. What
    it would do on failing does not matter. Without a *name*, the detector is known by the last
    part of the one that the validator is registered by.
    """

    def examine(exchange: Exchange) -> Finding:
        result: Any = validator.validate(exchange.answer, _metadata(exchange))
        if not isinstance(result, FailResult):
            return Finding(0.0)
        return Finding(1.0, _evidence(result, exchange.answer))

    return FunctionDetector(examine, name or str(validator.rail_alias).rpartition("/")[2])


def _metadata(exchange: Exchange) -> dict[str, Any]:
    return {
        "prompt": exchange.prompt,
        "context": list(exchange.context),
        "samples": list(exchange.samples),
        "logprobs": exchange.logprobs,
    }


def _evidence(result: Any, answer: str) -> tuple[Evidence, ...]:
    spans = [span for span in result.error_spans or () if 0 <= span.start <= span.end]
    found = [
        Evidence(str(span.reason), Span(span.start, span.end))
        for span in spans
        if span.end <= len(answer)
    ]
    return tuple(found) or (Evidence(str(result.error_message)),)
