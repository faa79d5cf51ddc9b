"""Entries that are neither outcomes nor labels, appended to a chain."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, insert, select

from trustlayer.audit.chains import Chain
from trustlayer.audit.digests import Row, certificate_digest, entry_content
from trustlayer.audit.entry_tables import CertificateRow
from trustlayer.audit.tables import Base, OutcomeRow
from trustlayer.certificate import Certificate
from trustlayer.errors import UnknownOutcome


def append_act(
    connection: Connection, table: type[Base], row: Row, outcome: str | None
) -> datetime:
    """Append *row*, which speaks of the outcome of that id or of none; when it was recorded."""
    chain = Chain.free(connection)
    name = str(table.__tablename__)
    entry = chain.entry(entry_content(name, {**row, "outcome": outcome}))
    connection.execute(insert(table).values(row | entry))
    chain.keep(connection)
    recorded: datetime = entry["recorded"]
    return recorded


def number_of(connection: Connection, outcome: str) -> int:
    """The number of the outcome of that id; raises UnknownOutcome."""
    number = connection.scalar(select(OutcomeRow.number).where(OutcomeRow.id == outcome))
    if number is None:
        raise UnknownOutcome(f"no outcome {outcome!r} is in the audit store")
    return number


def append_certificate(connection: Connection, certificate: Certificate) -> bytes:
    """Append *certificate* unless it is there; its digest, by which outcomes name it."""
    text = certificate.to_json()
    digest = certificate_digest(text)
    known = select(CertificateRow.digest).where(CertificateRow.digest == digest)
    if connection.scalar(known) is None:
        row: Row = {
            "digest": digest,
            "certificate": text,
            "data": certificate.data,
            "created": certificate.created,
            "risk": float(certificate.risk),
            "confidence": float(certificate.confidence),
            "labels": certificate.labels,
            "bad": certificate.bad,
        }
        append_act(connection, CertificateRow, row, None)
    return digest


def certify(connection: Connection, certificates: Iterable[Certificate | None]) -> None:
    """Append those of *certificates* that are not there yet."""
    for certificate in {c.to_json(): c for c in certificates if c is not None}.values():
        append_certificate(connection, certificate)
