"""A store that tells OpenTelemetry of what it is given, and passes it on.

The conventions for GenAI live apart from OpenTelemetry's other ones since version 1.42 and
their Python constants are deprecated, so the names stand here as text:
https://github.com/open-telemetry/semantic-conventions-genai (``gen_ai.evaluation.result``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import AnyValue

from trustlayer import Attempt, Finding, Outcome, Store, Unexamined, __version__

SCOPE = "trustlayer"
EVALUATION = "gen_ai.evaluation.result"


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Emits each outcome as a span with its attempts and examinations within.

    The outcome goes to *store* first, and only what is durable is told of. The spans are
    made when the run has ended, with the times at which things happened; they belong to the
    span that is current then. *text* adds prompt, answer and reasons, which may hold what
    users wrote.
    """

    store: Store | None = None
    text: bool = False

    def record(self, *outcomes: Outcome) -> None:
        if self.store is not None:
            self.store.record(*outcomes)
        tracer = trace.get_tracer(SCOPE, __version__)
        for outcome in outcomes:
            self._outcome(tracer, outcome)

    def _outcome(self, tracer: Tracer, outcome: Outcome) -> None:
        begun = _nanoseconds(outcome, 0.0)
        attributes: dict[str, str | int | float] = {
            "trustlayer.outcome.id": outcome.id,
            "trustlayer.action": outcome.action.value,
            "trustlayer.attempts": len(outcome.attempts),
        }
        if self.text:
            attributes["trustlayer.prompt"] = outcome.prompt
        span = tracer.start_span("trustlayer.run", start_time=begun, attributes=attributes)
        at = 0.0
        for attempt in outcome.attempts:
            at = self._attempt(tracer, span, outcome, attempt, at)
        if outcome.interrupted is not None:
            span.set_status(Status(StatusCode.ERROR, outcome.interrupted.partition(":")[0]))
        span.end(_nanoseconds(outcome, max(outcome.seconds, at)))

    def _attempt(
        self, tracer: Tracer, parent: Span, outcome: Outcome, attempt: Attempt, at: float
    ) -> float:
        context = set_span_in_context(parent)
        name = "trustlayer.attempt"
        span = tracer.start_span(name, context, start_time=_nanoseconds(outcome, at))
        span.set_attributes(_described(attempt))
        if attempt.error is not None:
            span.set_status(Status(StatusCode.ERROR, attempt.error.partition(":")[0]))
        at += attempt.seconds_asking
        for detector, seconds in attempt.seconds_examining.items():
            begun, ended = _nanoseconds(outcome, at), _nanoseconds(outcome, at + seconds)
            within = set_span_in_context(span)
            examination = tracer.start_span(
                "trustlayer.examination",
                within,
                start_time=begun,
                attributes={"trustlayer.detector": detector},
            )
            self._result(examination, outcome, attempt, detector, ended)
            examination.end(ended)
            at += seconds
        span.end(_nanoseconds(outcome, at))
        return at

    def _result(
        self, span: Span, outcome: Outcome, attempt: Attempt, detector: str, at: int
    ) -> None:
        verdict = attempt.verdict
        if verdict is None:
            return
        failed = next((u for u in verdict.unexamined if u.detector == detector), None)
        found = verdict.findings.get(detector, failed)
        if found is None:
            return
        limit = next((d.limit for d in outcome.detectors if d.name == detector), None)
        get_logger(SCOPE, __version__).emit(
            LogRecord(
                timestamp=at,
                context=set_span_in_context(span),
                event_name=EVALUATION,
                severity_number=SeverityNumber.INFO,
                attributes=_evaluation(detector, found, limit, self.text),
            )
        )


def _evaluation(
    detector: str, found: Finding | Unexamined, limit: float | None, text: bool
) -> dict[str, AnyValue]:
    name: dict[str, AnyValue] = {"gen_ai.evaluation.name": f"trustlayer.{detector}"}
    if isinstance(found, Unexamined):
        return name | {"error.type": "unexamined"} | ({_WHY: found.reason} if text else {})
    label = "pass" if found.risk <= (0.5 if limit is None else limit) else "fail"
    reasons = "; ".join(evidence.reason for evidence in found.evidence)
    return name | {
        "gen_ai.evaluation.score.value": found.risk,
        "gen_ai.evaluation.score.label": label,
        _WHY: reasons if text else f"{len(found.evidence)} reasons to doubt",
    }


_WHY = "gen_ai.evaluation.explanation"


def _described(attempt: Attempt) -> dict[str, str | int | float | bool]:
    known: dict[str, str | int | float | bool | None] = {
        "gen_ai.request.model": attempt.model,
        "gen_ai.usage.input_tokens": attempt.tokens_in,
        "gen_ai.usage.output_tokens": attempt.tokens_out,
        "trustlayer.cost": attempt.cost,
        "trustlayer.action": attempt.action.value,
        "trustlayer.kept": attempt.kept,
        "trustlayer.risk": attempt.verdict.risk if attempt.verdict else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _nanoseconds(outcome: Outcome, seconds: float) -> int:
    return int((outcome.started + timedelta(seconds=seconds)).timestamp() * 1e9)
