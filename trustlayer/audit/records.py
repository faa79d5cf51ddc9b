"""From an outcome to the rows that record it."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

import trustlayer
from trustlayer.audit.copying import Packed
from trustlayer.audit.digests import (
    Row,
    Rows,
    certificate_digest,
    detector_digest,
    lookup_digest,
    policy_digest,
    text_digest,
)
from trustlayer.audit.months import month_of
from trustlayer.audit.salts import salt
from trustlayer.audit.sealing import Keys
from trustlayer.certificate import Certificate
from trustlayer.exchange import Token
from trustlayer.finding import Evidence, Finding, Unexamined
from trustlayer.outcome import Attempt, DetectorRecord, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Record:
    """An outcome ready to be written.

    In *rows* a policy and a detector are named by their digests; *policy* and *detectors*
    are the rows of those, by digest. No *outcome* is at hand for rows from the spool, and no
    rows but the outcome's own for what is *packed*.
    """

    outcome: Outcome | None
    rows: Rows
    content: bytes
    policy: Row
    detectors: Mapping[bytes, Row]
    certificate: Certificate | None = None
    lines: Packed | None = None

    def packed(self) -> Record:
        """The same, its rows written as lines: they take less room, and COPY takes no others."""
        rows = Rows(self.rows.outcome, {})
        named = (self.content, self.policy, self.detectors, self.certificate)
        return self if self.lines else Record(self.outcome, rows, *named, Packed.of(self.rows))

    @property
    def id(self) -> str:
        """The outcome's."""
        return str(self.rows.outcome["id"])


def record(outcome: Outcome, form: str | None = None, keys: Keys = Keys()) -> Record:  # noqa: B008
    """Make the rows of *outcome*; raises ValueError for what no database can hold.

    *form* names what its texts were turned into, if they are not in full; *keys* seal them.
    """
    writer = _Writer(outcome.detectors, form, keys)
    rows = writer.rows(outcome)
    policy = {"digest": rows.outcome["policy"], "policy": outcome.policy}
    certificate = outcome.certificate
    return Record(outcome, rows, rows.content, policy, writer.detectors, certificate)


def pack(logprobs: Sequence[float] | None) -> bytes | None:
    return None if logprobs is None else struct.pack(f"<{len(logprobs)}d", *logprobs)


def pack_rows(rows: Sequence[Sequence[float]]) -> bytes | None:
    """Rows of numbers, each after its length; None for none at all."""
    parts = [struct.pack(f"<I{len(row)}d", len(row), *row) for row in rows]
    return b"".join(parts) or None


@dataclass(slots=True)
class _Writer:
    # Collects the texts and detectors that the rows of one outcome refer to.
    records: Sequence[DetectorRecord]
    form: str | None
    keys: Keys
    texts: dict[str, int] = field(default_factory=dict[str, int])
    detectors: dict[bytes, Row] = field(default_factory=dict[bytes, Row])
    known: dict[str, tuple[bytes, float | None]] = field(
        default_factory=dict[str, tuple[bytes, float | None]]
    )

    def rows(self, outcome: Outcome) -> Rows:
        examiners = [self._examiner(n, r) for n, r in enumerate(self.records)]
        rows = Rows(self._outcome(outcome))
        rows.children["examiners"].extend(examiners)
        rows.children["correlations"].extend(
            self._correlation(number, name, value)
            for number, (name, value) in enumerate(outcome.correlation.items())
        )
        for number, attempt in enumerate(outcome.attempts):
            self._attempt(rows, number, attempt)
        month = month_of(outcome.started)
        rows.children["texts"].extend(
            {"number": number, **secured(text, "body", self.keys), "month": month}
            for text, number in self.texts.items()
        )
        return rows

    def _outcome(self, outcome: Outcome) -> Row:
        if outcome.started.tzinfo is None:
            raise ValueError(f"started needs a time zone, got {outcome.started!r}")
        return {
            "id": outcome.id,
            "started": outcome.started.astimezone(UTC),
            "seconds": _number("seconds", outcome.seconds),
            "action": outcome.action.value,
            "policy": policy_digest(outcome.policy),
            "version": trustlayer.__version__,
            "prompt": self._ref(outcome.prompt),
            "context": self._refs(outcome.context),
            "answer": self._maybe(outcome.answer),
            "interrupted": self._maybe(outcome.interrupted),
            "certificate": outcome.certificate
            and certificate_digest(outcome.certificate.to_json()),
            "template": outcome.correlation.get("template"),
            "text_form": self.form,
        }

    def _correlation(self, number: int, name: str, value: str) -> Row:
        lookup = lookup_digest(name, value)
        return {"number": number, "name": name, "value": self._ref(value), "lookup": lookup}

    def _examiner(self, number: int, record: DetectorRecord) -> Row:
        limit = None if record.limit is None else _number("limit", record.limit)
        digest = self._detector(record.name, record.version, record.options)
        self.known.setdefault(record.name, (digest, limit))
        return {"number": number, "detector": digest, "risk_limit": limit}

    def _detector(self, name: str, version: str | None, options: str | None) -> bytes:
        digest = detector_digest(name, version, options)
        row = {"digest": digest, "name": name, "version": version, "options": options}
        self.detectors[digest] = row
        return digest

    def _attempt(self, rows: Rows, number: int, attempt: Attempt) -> None:
        request = attempt.request
        rows.children["attempts"].append(
            {
                "number": number,
                "model": attempt.model,
                "request_prompt": self._ref(request.prompt),
                "request_context": self._refs(request.context),
                "draft": self._ref(request.draft),
                "advice": self._ref(request.advice),
                "prefix": self._ref(request.prefix) if request.prefix else None,
                **self._verdict(attempt.verdict),
                "action": attempt.action.value,
                "kept": bool(attempt.kept),
                "error": self._maybe(attempt.error),
                "seconds": _number("seconds_asking", attempt.seconds_asking),
                "tokens_in": attempt.tokens_in,
                "tokens_out": attempt.tokens_out,
                "cost": None if attempt.cost is None else _number("cost", attempt.cost),
            }
        )
        self._findings(rows, number, attempt)

    def _verdict(self, verdict: Verdict | None) -> Row:
        exchange = None if verdict is None else verdict.exchange
        return {
            "answer": exchange and self._ref(exchange.answer),
            "answered_prompt": exchange and self._ref(exchange.prompt),
            "answered_context": exchange and self._refs(exchange.context),
            "samples": exchange and self._refs(exchange.samples),
            "logprobs": exchange and pack(exchange.logprobs),
            "tokens": exchange and self._tokens(exchange.tokens),
            "token_logprobs": exchange
            and pack_rows([(t.logprob, *t.alternatives) for t in exchange.tokens]),
            "sample_logprobs": exchange and pack_rows(exchange.sample_logprobs),
            "verdict": verdict and verdict.action.value,
            "risk": verdict and _number("risk", verdict.risk),
        }

    def _findings(self, rows: Rows, attempt: int, made: Attempt) -> None:
        seconds = {n: _number("seconds", s) for n, s in made.seconds_examining.items()}
        for number, (name, found) in enumerate(_found(made)):
            digest, limit = self.known.get(name) or (self._detector(name, None, None), None)
            rows.children["findings"].append(
                {
                    "attempt": attempt,
                    "number": number,
                    "detector": digest,
                    "risk": _number("risk", found.risk) if isinstance(found, Finding) else None,
                    "risk_limit": limit,
                    "unexamined": self._ref(found.reason)
                    if isinstance(found, Unexamined)
                    else None,
                    "seconds": seconds.pop(name, None),
                }
            )
            if isinstance(found, Finding):
                self._evidence(rows, attempt, number, found.evidence)

    def _evidence(
        self, rows: Rows, attempt: int, finding: int, evidence: Sequence[Evidence]
    ) -> None:
        rows.children["evidence"].extend(
            {
                "attempt": attempt,
                "finding": finding,
                "number": number,
                "reason": self._ref(doubt.reason),
                "span_start": doubt.span and doubt.span.start,
                "span_end": doubt.span and doubt.span.end,
            }
            for number, doubt in enumerate(evidence)
        )

    def _tokens(self, tokens: Sequence[Token]) -> int | None:
        return self._ref(json.dumps([token.text for token in tokens])) if tokens else None

    def _ref(self, text: str) -> int:
        return self.texts.setdefault(text, len(self.texts))

    def _refs(self, texts: Iterable[str]) -> list[int]:
        return [self._ref(text) for text in texts]

    def _maybe(self, text: str | None) -> int | None:
        return None if text is None else self._ref(text)


def _found(attempt: Attempt) -> list[tuple[str, Finding | Unexamined | None]]:
    # By detector, in order; last those of which nothing but the time is known.
    found: list[tuple[str, Finding | Unexamined | None]] = []
    if attempt.verdict is not None:
        found += attempt.verdict.findings.items()
        found += [(u.detector, u) for u in attempt.verdict.unexamined]
    heard = {name for name, _ in found}
    return found + [(name, None) for name in attempt.seconds_examining if name not in heard]


def secured(text: str, column: str, keys: Keys) -> Row:
    """The columns of a *text* that can be erased, in the open or sealed, with its digest."""
    drawn = salt()
    digest = text_digest(text, drawn)
    if not keys:
        return {"digest": digest, "salt": drawn, column: text, "sealed": None}
    sealed = keys.seal(text, drawn, digest)
    return {"digest": digest, "salt": None, column: None, "sealed": sealed}


def _number(name: str, value: float) -> float:
    number = float(value)
    if math.isnan(number):
        raise ValueError(f"{name} must be a number to be recorded, got NaN")
    return number
