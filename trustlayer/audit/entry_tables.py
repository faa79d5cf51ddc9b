"""The tables, besides outcomes and labels, whose rows are entries of a chain.

What people and calibrations do over time: each row is appended once and never changed, so that
it can be held against its hash. The end of a hold, or of a claim, is a row of its own.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from trustlayer.audit.columns import Number
from trustlayer.audit.tables import Base


class _Entry:
    # Where a row hangs in its chain, and since when.
    recorded: Mapped[datetime]
    chain: Mapped[int] = mapped_column(ForeignKey("chains.number"))
    sequence: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[bytes]
    hash: Mapped[bytes]


class CertificateRow(_Entry, Base):
    """A certificate in force for some outcomes; the other columns repeat what its JSON says."""

    __tablename__ = "certificates"
    __table_args__ = (UniqueConstraint("chain", "sequence"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    certificate: Mapped[str]
    data: Mapped[str]  # the digest of the labels that it rests on
    created: Mapped[datetime]
    risk: Mapped[float]
    confidence: Mapped[float]
    labels: Mapped[int]
    bad: Mapped[int]


class DrawRow(_Entry, Base):
    """An outcome drawn to be labelled, with which probability, and by which design."""

    __tablename__ = "draws"
    __table_args__ = (UniqueConstraint("chain", "sequence"), Index("draws_outcome", "outcome"))

    id: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[int] = mapped_column(Number, ForeignKey("outcomes.number"))
    design: Mapped[str]
    propensity: Mapped[float]


class ClaimRow(_Entry, Base):
    """A reviewer's claim on a held outcome; the one of the last turn counts until it expires."""

    __tablename__ = "claims"
    __table_args__ = (
        UniqueConstraint("chain", "sequence"),
        UniqueConstraint("outcome", "turn"),  # of two who claim at once, one fails
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[int] = mapped_column(Number, ForeignKey("outcomes.number"))
    turn: Mapped[int]
    who: Mapped[str]
    expires: Mapped[datetime]


class DecisionRow(_Entry, Base):
    """What a reviewer decided on a held outcome, once; *answer* is the edited text, if any."""

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("chain", "sequence"),
        ForeignKeyConstraint(["outcome", "attempt"], ["attempts.outcome", "attempts.number"]),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[int] = mapped_column(Number, unique=True)
    attempt: Mapped[int]
    claim: Mapped[str] = mapped_column(ForeignKey("claims.id"))
    who: Mapped[str]
    decision: Mapped[str]  # approve, edit, reject
    label: Mapped[str] = mapped_column(ForeignKey("labels.id"))
    answer: Mapped[str | None]  # null once erased or sealed, as its salt
    salt: Mapped[bytes | None]
    digest: Mapped[bytes]  # of the salt and the answer, which is empty unless it was edited
    sealed: Mapped[bytes | None]


class HoldRow(_Entry, Base):
    """What may not be erased: one outcome, or all with a correlation id.

    *lookup* is every digest by which that may be found, one after another.
    """

    __tablename__ = "legal_holds"
    __table_args__ = (UniqueConstraint("chain", "sequence"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[int | None] = mapped_column(Number, ForeignKey("outcomes.number"))
    name: Mapped[str | None]
    lookup: Mapped[bytes | None]
    who: Mapped[str]
    reason: Mapped[str]


class ReleaseRow(_Entry, Base):
    """The end of a legal hold."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("chain", "sequence"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    hold: Mapped[str] = mapped_column(ForeignKey("legal_holds.id"), unique=True)
    who: Mapped[str]
    reason: Mapped[str]
