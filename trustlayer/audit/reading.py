"""From the rows of an outcome back to the outcome."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from trustlayer.audit.entry_tables import CertificateRow
from trustlayer.audit.sealing import Keys, keys_of
from trustlayer.audit.tables import (
    AttemptRow,
    CorrelationRow,
    DetectorRow,
    EvidenceRow,
    ExaminerRow,
    FindingRow,
    OutcomeRow,
    PolicyRow,
    TextRow,
)
from trustlayer.certificate import Certificate
from trustlayer.errors import MissingKey
from trustlayer.exchange import Exchange, Span, Token
from trustlayer.finding import Evidence, Finding, Unexamined
from trustlayer.model import Request
from trustlayer.outcome import Attempt, DetectorRecord, Outcome, Verdict
from trustlayer.policy import Action

ERASED = "[erased]"  # stands for every text that was erased
SEALED = "[encrypted]"  # for one in a list, whose key was not given

T = TypeVar("T", CorrelationRow, AttemptRow)
Found = Sequence[tuple[str, FindingRow]]  # of one attempt, by the detector's name
Reasons = Mapping[tuple[int, int], tuple[Evidence, ...]]  # by attempt and finding


def read(session: Session, row: OutcomeRow) -> Outcome:
    """Put the outcome of *row* together again, as it was when it was recorded."""
    return _Reader(session, row.number, texts_of(session, row.number)).outcome(row)


def unpack(logprobs: bytes | None) -> tuple[float, ...] | None:
    return None if logprobs is None else struct.unpack(f"<{len(logprobs) // 8}d", logprobs)


def unpack_rows(packed: bytes | None) -> tuple[tuple[float, ...], ...]:
    """Undo `pack_rows`."""
    rows, at, data = list[tuple[float, ...]](), 0, packed or b""
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        rows.append(struct.unpack_from(f"<{length}d", data, at + 4))
        at += 4 + 8 * length
    return tuple(rows)


def opened(keys: Keys, body: str | None, sealed: bytes | None, digest: bytes) -> str:
    """The text of a row, whether in the open, sealed, or erased; raises MissingKey."""
    if sealed is not None:
        return keys.open(sealed, digest)[1]
    return ERASED if body is None else body


def glimpse(keys: Keys, body: str | None, sealed: bytes | None, digest: bytes, width: int) -> str:
    """The first *width* characters of a text in a list, where one without its key harms none."""
    try:
        return opened(keys, body, sealed, digest)[:width]
    except MissingKey:
        return SEALED


def texts_of(session: Session, outcome: int) -> dict[int, str]:
    """The texts of the outcome of that number, by their own; raises MissingKey."""
    keys = keys_of(session)
    query = select(TextRow.number, TextRow.body, TextRow.sealed, TextRow.digest)
    found = session.execute(query.where(TextRow.outcome == outcome))
    return {number: opened(keys, body, sealed, digest) for number, body, sealed, digest in found}


@dataclass(frozen=True, slots=True)
class _Reader:
    session: Session
    number: int
    texts: dict[int, str]

    def outcome(self, row: OutcomeRow) -> Outcome:
        policy = self.session.get_one(PolicyRow, row.policy)
        correlations = self._rows(CorrelationRow, CorrelationRow.number)
        return Outcome(
            id=row.id,
            started=row.started,
            seconds=row.seconds,
            prompt=self.texts[row.prompt],
            context=self._all(row.context),
            attempts=self._attempts(),
            action=Action(row.action),
            policy=policy.policy,
            detectors=self._detectors(),
            correlation={c.name: self.texts[c.value] for c in correlations},
            interrupted=self._maybe(row.interrupted),
            certificate=self._certificate(row.certificate),
        )

    def _certificate(self, digest: bytes | None) -> Certificate | None:
        if digest is None:
            return None
        return Certificate.from_json(self.session.get_one(CertificateRow, digest).certificate)

    def _detectors(self) -> tuple[DetectorRecord, ...]:
        query = (
            select(ExaminerRow, DetectorRow)
            .join(DetectorRow, ExaminerRow.detector == DetectorRow.number)
            .where(ExaminerRow.outcome == self.number)
            .order_by(ExaminerRow.number)
        )
        return tuple(
            DetectorRecord(d.name, d.version or "", d.options or "", e.risk_limit)
            for e, d in self.session.execute(query)
        )

    def _attempts(self) -> tuple[Attempt, ...]:
        findings, evidence = self._findings(), self._evidence()
        rows = self._rows(AttemptRow, AttemptRow.number)
        return tuple(self._attempt(row, findings.get(row.number, []), evidence) for row in rows)

    def _findings(self) -> dict[int, Found]:
        query = (
            select(FindingRow, DetectorRow.name)
            .join(DetectorRow, FindingRow.detector == DetectorRow.number)
            .where(FindingRow.outcome == self.number)
            .order_by(FindingRow.attempt, FindingRow.number)
        )
        found = self.session.execute(query)
        return {
            attempt: [(name, row) for row, name in rows]
            for attempt, rows in groupby(found, key=lambda pair: pair[0].attempt)
        }

    def _evidence(self) -> Reasons:
        query = (
            select(EvidenceRow)
            .where(EvidenceRow.outcome == self.number)
            .order_by(EvidenceRow.attempt, EvidenceRow.finding, EvidenceRow.number)
        )
        found = groupby(self.session.scalars(query), key=lambda row: (row.attempt, row.finding))
        return {key: tuple(map(self._doubt, rows)) for key, rows in found}

    def _doubt(self, row: EvidenceRow) -> Evidence:
        whole = row.span_start is None or row.span_end is None
        span = None if whole else Span(row.span_start or 0, row.span_end or 0)
        return Evidence(self.texts[row.reason], span)

    def _attempt(self, row: AttemptRow, found: Found, evidence: Reasons) -> Attempt:
        return Attempt(
            model=row.model,
            request=Request(
                self.texts[row.request_prompt],
                self._all(row.request_context),
                self.texts[row.draft],
                self.texts[row.advice],
                self._maybe(row.prefix) or "",
            ),
            verdict=self._verdict(row, found, evidence),
            action=Action(row.action),
            kept=row.kept,
            error=self._maybe(row.error),
            seconds_asking=row.seconds,
            seconds_examining={n: f.seconds for n, f in found if f.seconds is not None},
            tokens_in=row.tokens_in,
            tokens_out=row.tokens_out,
            cost=row.cost,
        )

    def _verdict(self, row: AttemptRow, found: Found, evidence: Reasons) -> Verdict | None:
        if row.verdict is None or row.risk is None:
            return None
        failed = [(n, f.unexamined) for n, f in found if f.unexamined is not None]
        return Verdict(
            exchange=self._exchange(row),
            findings={
                n: Finding(f.risk, evidence.get((f.attempt, f.number), ()))
                for n, f in found
                if f.risk is not None
            },
            unexamined=tuple(Unexamined(n, self.texts[reason]) for n, reason in failed),
            action=Action(row.verdict),
            risk=row.risk,
        )

    def _exchange(self, row: AttemptRow) -> Exchange:
        assert row.answered_prompt is not None
        assert row.answer is not None
        return Exchange(
            self.texts[row.answered_prompt],
            self.texts[row.answer],
            self._all(row.answered_context or ()),
            self._all(row.samples or ()),
            unpack(row.logprobs),
            self._tokens(row),
            unpack_rows(row.sample_logprobs),
        )

    def _tokens(self, row: AttemptRow) -> tuple[Token, ...]:
        numbers, said = unpack_rows(row.token_logprobs), self._maybe(row.tokens)
        if said is None:
            return ()
        texts = [ERASED] * len(numbers) if said == ERASED else json.loads(said)
        pairs = zip(texts, numbers, strict=True)
        return tuple(Token(text, own, tuple(others)) for text, (own, *others) in pairs)

    def _rows(self, table: type[T], order: InstrumentedAttribute[int]) -> Sequence[T]:
        query = select(table).where(table.outcome == self.number).order_by(order)
        return self.session.scalars(query).all()

    def _all(self, numbers: Iterable[int]) -> tuple[str, ...]:
        return tuple(self.texts[number] for number in numbers)

    def _maybe(self, number: int | None) -> str | None:
        return None if number is None else self.texts[number]
