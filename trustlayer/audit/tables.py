"""The tables of the audit store.

Everything below an outcome is keyed by the outcome's number and positions within it. Every
text that may hold personal data lies in `texts`, beside a salted digest of it; all other rows
refer to it by its number there, so that it can be erased without touching what was decided.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from trustlayer.audit.columns import AnyText, Number, UtcTime

CLUSTERED = {"sqlite_with_rowid": False}  # rows lie in the order of their keys, without an index
TextNumber = int  # refers to texts.number within one outcome


NAMES = {  # so that later migrations can address every constraint
    "ix": "%(table_name)s_%(column_0_N_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy declares it so
        str: AnyText,
        int: Integer,
        float: Double,
        bool: Boolean,
        bytes: LargeBinary,
        datetime: UtcTime,
        list[int]: JSON,
    }


class ChainRow(Base):
    """A chain of outcomes, each holding its predecessor's hash; one writer adds to it at a time."""

    __tablename__ = "chains"

    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    opened: Mapped[datetime]
    length: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[bytes]  # the hash of the last outcome


class PolicyRow(Base):
    __tablename__ = "policies"

    number: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    policy: Mapped[str]


class DetectorRow(Base):
    """A detector; version and options are null where only its name is known."""

    __tablename__ = "detectors"

    number: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    name: Mapped[str]
    version: Mapped[str | None]
    options: Mapped[str | None]


class OutcomeRow(Base):
    __tablename__ = "outcomes"
    __table_args__ = (
        UniqueConstraint("chain", "sequence"),
        Index("outcomes_started", "started", "action", "seconds"),
        Index("outcomes_action", "action"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    started: Mapped[datetime]
    recorded: Mapped[datetime]
    seconds: Mapped[float]
    action: Mapped[str]
    policy: Mapped[int] = mapped_column(ForeignKey("policies.number"))
    version: Mapped[str]  # of trustlayer
    prompt: Mapped[TextNumber]
    context: Mapped[list[int]]
    answer: Mapped[TextNumber | None]  # the one that was handed out
    interrupted: Mapped[TextNumber | None]
    chain: Mapped[int] = mapped_column(ForeignKey("chains.number"))
    sequence: Mapped[int] = mapped_column(BigInteger)  # in the chain, from 1
    content: Mapped[bytes]  # SHA-256 of all that belongs to the outcome
    hash: Mapped[bytes]  # SHA-256 of content, place in the chain, and the predecessor's hash
    certificate: Mapped[bytes | None]  # refers to certificates.digest
    template: Mapped[str | None]  # the name of the prompt's, which the caller gave
    text_form: Mapped[str | None]  # redacted, hmac; null for texts that are kept in full


class TextRow(Base):
    """A text of an outcome; erasing it nulls body and salt and leaves the digest.

    A text that is encrypted lies in *sealed*, with its salt; body and salt are null then.
    """

    __tablename__ = "texts"

    outcome: Mapped[int] = mapped_column(
        Number, ForeignKey("outcomes.number"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[bytes]
    salt: Mapped[bytes | None]
    body: Mapped[str | None]
    sealed: Mapped[bytes | None]
    month: Mapped[int] = mapped_column(server_default="0")  # see months.py; part of the key


class CorrelationRow(Base):
    """One of the caller's own ids; *lookup* is an unsalted digest to find it by."""

    __tablename__ = "correlations"
    __table_args__ = (Index("correlations_lookup", "lookup"), CLUSTERED)

    outcome: Mapped[int] = mapped_column(
        Number, ForeignKey("outcomes.number"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    value: Mapped[TextNumber]
    lookup: Mapped[bytes | None]


class ExaminerRow(Base):
    """A detector that stood ready in a run, and the limit that was in force for it."""

    __tablename__ = "examiners"
    __table_args__ = CLUSTERED

    outcome: Mapped[int] = mapped_column(
        Number, ForeignKey("outcomes.number"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    detector: Mapped[int] = mapped_column(ForeignKey("detectors.number"))
    risk_limit: Mapped[float | None]


class AttemptRow(Base):
    """One try; the columns from *answer* to *risk* are null when there was no verdict."""

    __tablename__ = "attempts"
    __table_args__ = CLUSTERED

    outcome: Mapped[int] = mapped_column(
        Number, ForeignKey("outcomes.number"), primary_key=True, autoincrement=False
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    model: Mapped[str | None]
    request_prompt: Mapped[TextNumber]
    request_context: Mapped[list[int]]
    draft: Mapped[TextNumber]
    advice: Mapped[TextNumber]
    answer: Mapped[TextNumber | None]
    answered_prompt: Mapped[TextNumber | None]
    answered_context: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    samples: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))
    verdict: Mapped[str | None]  # the action of the verdict
    risk: Mapped[float | None]
    action: Mapped[str]
    kept: Mapped[bool]
    error: Mapped[TextNumber | None]
    seconds: Mapped[float]  # asking
    tokens_in: Mapped[int | None] = mapped_column(BigInteger)
    tokens_out: Mapped[int | None] = mapped_column(BigInteger)
    cost: Mapped[float | None]
    logprobs: Mapped[bytes | None]  # little-endian doubles; last, for they can be many
    prefix: Mapped[TextNumber | None]  # the beginning of the answer that the reader had already
    tokens: Mapped[TextNumber | None]  # their texts, as a JSON array
    token_logprobs: Mapped[bytes | None]  # of each token, then of its alternatives
    sample_logprobs: Mapped[bytes | None]  # of each sample


class FindingRow(Base):
    """What one detector said: a risk, or in *unexamined* why it could say nothing.

    A row with neither only tells the time that the detector took.
    """

    __tablename__ = "findings"
    __table_args__ = (
        ForeignKeyConstraint(["outcome", "attempt"], ["attempts.outcome", "attempts.number"]),
        Index(  # all that a report on detectors reads, in the order in which it counts
            "findings_detector", "detector", "risk", "risk_limit", "unexamined", "seconds"
        ),
        CLUSTERED,
    )

    outcome: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    detector: Mapped[int] = mapped_column(ForeignKey("detectors.number"))
    risk: Mapped[float | None]
    risk_limit: Mapped[float | None]
    unexamined: Mapped[TextNumber | None]
    seconds: Mapped[float | None]


class EvidenceRow(Base):
    """One reason to doubt, and where in the answer, in characters, if not in all of it."""

    __tablename__ = "evidence"
    __table_args__ = (
        ForeignKeyConstraint(
            ["outcome", "attempt", "finding"],
            ["findings.outcome", "findings.attempt", "findings.number"],
        ),
        CLUSTERED,
    )

    outcome: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    finding: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[TextNumber]
    span_start: Mapped[int | None]
    span_end: Mapped[int | None]


class LabelRow(Base):
    """What a person said of one answer; the spans are the bad stretches of it, if any were named.

    *propensity* is the probability with which the outcome was drawn for labelling. Of several
    labels on one answer that of the last *turn* counts; those of an older schema have none, and
    come before.
    """

    __tablename__ = "labels"
    __table_args__ = (
        UniqueConstraint("chain", "sequence"),
        ForeignKeyConstraint(["outcome", "attempt"], ["attempts.outcome", "attempts.number"]),
        Index("labels_outcome", "outcome", "attempt"),
        Index("labels_turn", "outcome", "attempt", "turn", unique=True),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[int] = mapped_column(Number)
    attempt: Mapped[int]
    who: Mapped[str]
    bad: Mapped[bool]
    spans: Mapped[list[list[int]] | None] = mapped_column(JSON(none_as_null=True))
    reason: Mapped[str | None]  # null once erased, as its salt
    salt: Mapped[bytes | None]
    digest: Mapped[bytes]  # of the salt and the reason
    propensity: Mapped[float | None]
    recorded: Mapped[datetime]
    chain: Mapped[int] = mapped_column(ForeignKey("chains.number"))
    sequence: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[bytes]
    hash: Mapped[bytes]
    sealed: Mapped[bytes | None]
    turn: Mapped[int | None]
