"""Outcomes, all that belongs to them, and the triggers that keep both as they are."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from trustlayer_migrations.triggers import (
    drop_function,
    drop_triggers,
    make_function,
    make_triggers,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The types as they were at this revision: what the application's own become is not our concern.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# What may still be changed, as a condition on the new row: erasing a text, lengthening a chain.
APPEND_ONLY = {
    "chains": "NEW.number = OLD.number AND NEW.id = OLD.id AND NEW.opened = OLD.opened "
    "AND NEW.length > OLD.length",
    "policies": None,
    "detectors": None,
    "outcomes": None,
    "texts": "NEW.outcome = OLD.outcome AND NEW.number = OLD.number "
    "AND NEW.digest = OLD.digest AND NEW.salt IS NULL AND NEW.body IS NULL",
    "correlations": "NEW.outcome = OLD.outcome AND NEW.number = OLD.number "
    "AND NEW.name = OLD.name AND NEW.value = OLD.value AND NEW.lookup IS NULL",
    "examiners": None,
    "attempts": None,
    "findings": None,
    "evidence": None,
}


def upgrade() -> None:
    _registers()
    _outcomes()
    _parts()
    _attempts()
    _findings()
    _indices()
    make_function()
    make_triggers(APPEND_ONLY)


def downgrade() -> None:
    drop_triggers(APPEND_ONLY)
    for table in reversed(APPEND_ONLY):
        op.drop_table(table)
    drop_function()


def _column(name: str, kind: Any, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null)


def _key(*names: str) -> list[sa.Column[Any]]:
    kinds = [NUMBER if name == "outcome" else sa.Integer() for name in names]
    return [
        sa.Column(name, kind, nullable=False, autoincrement=False)
        for name, kind in zip(names, kinds, strict=True)
    ]


def _of_outcome(table: str) -> list[sa.schema.SchemaItem]:
    return [
        *_key("outcome", "number"),
        sa.PrimaryKeyConstraint("outcome", "number", name=f"{table}_pkey"),
        sa.ForeignKeyConstraint(["outcome"], ["outcomes.number"], name=f"{table}_outcome_fkey"),
    ]


def _reference(table: str, name: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.number"], name=f"{table}_{name}_fkey")


def _indices() -> None:
    op.create_index("outcomes_started", "outcomes", ["started", "action", "seconds"])
    op.create_index("outcomes_action", "outcomes", ["action"])
    op.create_index("correlations_lookup", "correlations", ["lookup"])
    covered = ["detector", "risk", "risk_limit", "unexamined", "seconds"]
    op.create_index("findings_detector", "findings", covered)


def _registers() -> None:
    op.create_table(
        "chains",
        _column("number", sa.Integer()),
        _column("id", TEXT),
        _column("opened", TIME),
        _column("length", sa.BigInteger()),
        _column("head", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("number", name="chains_pkey"),
        sa.UniqueConstraint("id", name="chains_id_key"),
    )
    op.create_table(
        "policies",
        _column("number", sa.Integer()),
        _column("digest", sa.LargeBinary()),
        _column("policy", TEXT),
        sa.PrimaryKeyConstraint("number", name="policies_pkey"),
        sa.UniqueConstraint("digest", name="policies_digest_key"),
    )
    op.create_table(
        "detectors",
        _column("number", sa.Integer()),
        _column("digest", sa.LargeBinary()),
        _column("name", TEXT),
        _column("version", TEXT, null=True),
        _column("options", TEXT, null=True),
        sa.PrimaryKeyConstraint("number", name="detectors_pkey"),
        sa.UniqueConstraint("digest", name="detectors_digest_key"),
    )


def _outcomes() -> None:
    op.create_table(
        "outcomes",
        _column("number", NUMBER),
        _column("id", TEXT),
        _column("started", TIME),
        _column("recorded", TIME),
        _column("seconds", sa.Double()),
        _column("action", TEXT),
        _column("policy", sa.Integer()),
        _column("version", TEXT),
        _column("prompt", sa.Integer()),
        _column("context", sa.JSON()),
        _column("answer", sa.Integer(), null=True),
        _column("interrupted", sa.Integer(), null=True),
        _column("chain", sa.Integer()),
        _column("sequence", sa.BigInteger()),
        _column("content", sa.LargeBinary()),
        _column("hash", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("number", name="outcomes_pkey"),
        sa.UniqueConstraint("id", name="outcomes_id_key"),
        sa.UniqueConstraint("chain", "sequence", name="outcomes_chain_sequence_key"),
        _reference("outcomes", "policy", "policies"),
        _reference("outcomes", "chain", "chains"),
        sqlite_autoincrement=True,
    )


def _parts() -> None:
    op.create_table(
        "texts",
        *_of_outcome("texts"),
        _column("digest", sa.LargeBinary()),
        _column("salt", sa.LargeBinary(), null=True),
        _column("body", TEXT, null=True),
    )
    op.create_table(
        "correlations",
        *_of_outcome("correlations"),
        _column("name", TEXT),
        _column("value", sa.Integer()),
        _column("lookup", sa.LargeBinary(), null=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "examiners",
        *_of_outcome("examiners"),
        _column("detector", sa.Integer()),
        _column("risk_limit", sa.Double(), null=True),
        _reference("examiners", "detector", "detectors"),
        sqlite_with_rowid=False,
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        *_of_outcome("attempts"),
        _column("model", TEXT, null=True),
        _column("request_prompt", sa.Integer()),
        _column("request_context", sa.JSON()),
        _column("draft", sa.Integer()),
        _column("advice", sa.Integer()),
        _column("answer", sa.Integer(), null=True),
        _column("answered_prompt", sa.Integer(), null=True),
        _column("answered_context", sa.JSON(), null=True),
        _column("samples", sa.JSON(), null=True),
        _column("verdict", TEXT, null=True),
        _column("risk", sa.Double(), null=True),
        _column("action", TEXT),
        _column("kept", sa.Boolean()),
        _column("error", sa.Integer(), null=True),
        _column("seconds", sa.Double()),
        _column("tokens_in", sa.BigInteger(), null=True),
        _column("tokens_out", sa.BigInteger(), null=True),
        _column("cost", sa.Double(), null=True),
        _column("logprobs", sa.LargeBinary(), null=True),
        sqlite_with_rowid=False,
    )


def _findings() -> None:
    op.create_table(
        "findings",
        *_key("outcome", "attempt", "number"),
        _column("detector", sa.Integer()),
        _column("risk", sa.Double(), null=True),
        _column("risk_limit", sa.Double(), null=True),
        _column("unexamined", sa.Integer(), null=True),
        _column("seconds", sa.Double(), null=True),
        sa.PrimaryKeyConstraint("outcome", "attempt", "number", name="findings_pkey"),
        sa.ForeignKeyConstraint(
            ["outcome", "attempt"],
            ["attempts.outcome", "attempts.number"],
            name="findings_outcome_attempt_fkey",
        ),
        _reference("findings", "detector", "detectors"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "evidence",
        *_key("outcome", "attempt", "finding", "number"),
        _column("reason", sa.Integer()),
        _column("span_start", sa.Integer(), null=True),
        _column("span_end", sa.Integer(), null=True),
        sa.PrimaryKeyConstraint("outcome", "attempt", "finding", "number", name="evidence_pkey"),
        sa.ForeignKeyConstraint(
            ["outcome", "attempt", "finding"],
            ["findings.outcome", "findings.attempt", "findings.number"],
            name="evidence_outcome_attempt_finding_fkey",
        ),
        sqlite_with_rowid=False,
    )
