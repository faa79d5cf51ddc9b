from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from trustlayer import Evidence, Exchange, Finding, Outcome, Policy, Span, Verifier, detector

sdk = pytest.importorskip("opentelemetry.sdk", reason="needs the extra 'otel'")

from opentelemetry import trace  # noqa: E402
from opentelemetry._logs import get_logger_provider, set_logger_provider  # noqa: E402
from opentelemetry.sdk._logs import LoggerProvider  # noqa: E402
from opentelemetry.sdk._logs.export import (  # noqa: E402
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (  # noqa: E402
    InMemorySpanExporter,
)

from trustlayer_opentelemetry import Telemetry  # noqa: E402

SECRET = "the secret of Zürich"


@dataclass
class Emitted:
    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    events: InMemoryLogRecordExporter = field(default_factory=InMemoryLogRecordExporter)

    def named(self, name: str) -> list[Any]:
        return [span for span in self.spans.get_finished_spans() if span.name == name]

    def records(self) -> list[Any]:
        return [record.log_record for record in self.events.get_finished_logs()]

    def everything(self) -> str:
        spans = [span.to_json() for span in self.spans.get_finished_spans()]
        return "".join([*spans, *(str(dict(record.attributes)) for record in self.records())])


_emitted = Emitted()


@pytest.fixture
def emitted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emitted]:
    """OpenTelemetry as an application configures it; a process can do so only once."""
    monkeypatch.delenv("OTEL_SDK_DISABLED")
    if not isinstance(get_logger_provider(), LoggerProvider):
        tracers, loggers = TracerProvider(), LoggerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(_emitted.spans))
        loggers.add_log_record_processor(SimpleLogRecordProcessor(_emitted.events))
        trace.set_tracer_provider(tracers)
        set_logger_provider(loggers)
    yield _emitted
    _emitted.spans.clear()
    _emitted.events.clear()


@detector
def secretive(exchange: Exchange) -> Finding:
    if SECRET in exchange.answer:
        return Finding(0.9, (Evidence(f"tells {SECRET}", Span(0, 3)),))
    return Finding(0.1)


@detector
def broken(exchange: Exchange) -> Finding:
    raise RuntimeError(SECRET)


def _run(telemetry: Telemetry) -> Outcome:
    answers = iter([SECRET, "nothing"])
    tolerant = Policy(tolerated=frozenset({"broken"}))
    made = Verifier([secretive, broken], [lambda _: next(answers)], tolerant, telemetry)
    return made.run(f"tell me {SECRET}")


def test_a_run_is_a_span_with_attempts_and_examinations(emitted: Emitted) -> None:
    with trace.get_tracer("application").start_as_current_span("request"):
        outcome = _run(Telemetry())
    [run], attempts = emitted.named("trustlayer.run"), emitted.named("trustlayer.attempt")
    [request] = emitted.named("request")
    assert run.parent.span_id == request.context.span_id
    assert run.attributes["trustlayer.outcome.id"] == outcome.id
    assert [a.attributes["trustlayer.action"] for a in attempts] == ["revise", "accept"]
    assert {a.parent.span_id for a in attempts} == {run.context.span_id}
    assert len(emitted.named("trustlayer.examination")) == 4
    finished: list[Any] = list(emitted.spans.get_finished_spans())
    for span in finished:
        assert span.start_time <= span.end_time


def test_each_finding_is_an_evaluation_event(emitted: Emitted) -> None:
    _run(Telemetry())
    records = emitted.records()
    assert {r.event_name for r in records} == {"gen_ai.evaluation.result"}
    told = [(r.attributes["gen_ai.evaluation.name"], r.attributes.get("error.type"),
             r.attributes.get("gen_ai.evaluation.score.label")) for r in records]  # fmt: skip
    assert told == [
        ("trustlayer.secretive", None, "fail"),
        ("trustlayer.broken", "unexamined", None),
        ("trustlayer.secretive", None, "pass"),
        ("trustlayer.broken", "unexamined", None),
    ]


def test_no_text_of_users_goes_out_unless_asked(emitted: Emitted) -> None:
    _run(Telemetry())
    assert "secret of" not in emitted.everything()
    _run(Telemetry(text=True))
    assert "secret of" in emitted.everything()


def test_what_is_not_durable_is_not_told_of(emitted: Emitted) -> None:
    class Full:
        def record(self, *outcomes: Outcome) -> None:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        _run(Telemetry(Full()))
    assert emitted.named("trustlayer.run") == []
