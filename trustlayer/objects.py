"""Outcomes as JSON objects, the findings in the form that ``trustlayer examine`` writes."""

from __future__ import annotations

from trustlayer.lines import findings_object
from trustlayer.outcome import Attempt, Outcome, Verdict


def outcome_object(outcome: Outcome) -> dict[str, object]:
    return {
        "id": outcome.id,
        "started": outcome.started.isoformat(),
        "seconds": outcome.seconds,
        "action": outcome.action,
        "answer": outcome.answer,
        "prompt": outcome.prompt,
        "context": list(outcome.context),
        "policy": outcome.policy,
        "detectors": [
            {"name": d.name, "version": d.version, "options": d.options, "limit": d.limit}
            for d in outcome.detectors
        ],
        "correlation": dict(outcome.correlation),
        "errors": list(outcome.errors),
        "attempts": [_attempt_object(attempt) for attempt in outcome.attempts],
    }


def verdict_object(verdict: Verdict) -> dict[str, object]:
    return {
        "action": verdict.action,
        "risk": verdict.risk,
        "answer": verdict.exchange.answer,
        "findings": findings_object(verdict.findings, verdict.unexamined),
    }


def _attempt_object(attempt: Attempt) -> dict[str, object]:
    return {
        "model": attempt.model,
        "action": attempt.action,
        "kept": attempt.kept,
        "error": attempt.error,
        "advice": attempt.request.advice,
        "seconds_asking": attempt.seconds_asking,
        "seconds_examining": dict(attempt.seconds_examining),
        "tokens_in": attempt.tokens_in,
        "tokens_out": attempt.tokens_out,
        "cost": attempt.cost,
        "verdict": None if attempt.verdict is None else verdict_object(attempt.verdict),
    }
