"""The certificates that were in force: which there are, and that of an outcome."""

from __future__ import annotations

from sqlalchemy import select

from trustlayer.audit.acts import append_certificate
from trustlayer.audit.entry_tables import CertificateRow
from trustlayer.audit.store import AuditStore
from trustlayer.certificate import Certificate


def put_certificate(store: AuditStore, certificate: Certificate) -> bytes:
    """Record *certificate*, durably, unless it is there; its digest."""
    return store.retrying(lambda connection: append_certificate(connection, certificate))


def certificates(store: AuditStore) -> list[Certificate]:
    """All certificates that were ever in force here, or put here, the first first."""
    query = select(CertificateRow).order_by(CertificateRow.recorded, CertificateRow.sequence)
    with store.session() as session:
        return [Certificate.from_json(row.certificate) for row in session.scalars(query)]


def certificate_of(store: AuditStore, outcome: str) -> Certificate | None:
    """The certificate in force for the outcome of that id; raises UnknownOutcome."""
    return store.outcome(outcome).certificate
