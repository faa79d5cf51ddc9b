"""What people do besides labelling, certificates, sealed texts, and more of an attempt."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from trustlayer_migrations.triggers import drop_triggers, erasable, make_triggers

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DOUBLE: sa.Double[float] = sa.Double()
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BYTES = sa.LargeBinary()
TIME = sa.DateTime(timezone=True)

# All of these may be null: a row of an earlier schema says nothing here, and keeps its hash.
ADDED: dict[str, dict[str, Any]] = {
    "outcomes": {"certificate": BYTES, "template": TEXT, "text_form": TEXT},
    "texts": {"sealed": BYTES},
    "attempts": {
        "prefix": sa.Integer(),
        "tokens": sa.Integer(),
        "token_logprobs": BYTES,
        "sample_logprobs": BYTES,
    },
    "labels": {"sealed": BYTES, "turn": sa.Integer()},
}
ENTRIES = ("certificates", "draws", "claims", "decisions", "legal_holds", "releases")

# What could be changed before, as 0001 and 0002 have it.
_FORMER_LABEL = ("id", "outcome", "attempt", "who", "bad", "digest", "recorded", "chain")
FORMER: dict[str, str | None] = {
    "texts": "NEW.outcome = OLD.outcome AND NEW.number = OLD.number "
    "AND NEW.digest = OLD.digest AND NEW.salt IS NULL AND NEW.body IS NULL",
    "labels": " AND ".join(
        f"NEW.{column} = OLD.{column}" for column in (*_FORMER_LABEL, "sequence", "hash")
    )
    + " AND NEW.reason IS NULL AND NEW.salt IS NULL",
}


def upgrade() -> None:
    for table, columns in ADDED.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))
    op.create_index("labels_turn", "labels", ["outcome", "attempt", "turn"], unique=True)
    _certificates()
    _draws()
    _claims()
    _decisions()
    _holds()
    drop_triggers(FORMER)
    make_triggers(_append_only())
    _keep_out_of_statistics()


def downgrade() -> None:
    """Refuses while there are sealed texts: the former schema would lose them."""
    _expect_nothing_sealed()
    drop_triggers(_append_only())
    for table in reversed(ENTRIES):
        op.drop_table(table)
    op.drop_index("labels_turn", "labels")
    for table, columns in ADDED.items():
        for name in columns:
            op.drop_column(table, name)
    make_triggers(FORMER)


def _keep_out_of_statistics() -> None:
    # PostgreSQL's planner keeps samples of what is in a column, also of what was erased since.
    if op.get_context().dialect.name == "postgresql":
        for table, column in (("texts", "body"), ("labels", "reason"), ("decisions", "answer")):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")


def _append_only() -> dict[str, str | None]:
    # What may still be changed: a text may be sealed, or erased.
    entry = ("recorded", "chain", "sequence", "content", "hash")
    label = ("id", "outcome", "attempt", "who", "bad", "spans", "digest", "propensity", "turn")
    decision = ("id", "outcome", "attempt", "claim", "who", "decision", "label", "digest")
    return {
        "texts": erasable("body", "outcome", "number", "digest"),
        "labels": erasable("reason", *label, *entry),
        **dict.fromkeys(ENTRIES),
        "decisions": erasable("answer", *decision, *entry),
    }


def _expect_nothing_sealed() -> None:
    for table in ("texts", "labels", "decisions"):
        rows = sa.table(table, sa.column("sealed"))
        query = sa.select(sa.literal(1)).select_from(rows).where(rows.c.sealed.is_not(None))
        if op.get_bind().scalar(query.limit(1)) is not None:
            error = ValueError(f"sealed texts are in {table}, which the former schema would lose")
            error.add_note("keep this schema, or export what you need and erase those texts")
            raise error


def _column(name: str, kind: Any, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null)


def _reference(table: str, name: str, target: str, key: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([name], [f"{target}.{key}"], name=f"{table}_{name}_fkey")


def _create(table: str, key: str, *items: sa.schema.SchemaItem) -> None:
    # A table whose rows are entries of a chain.
    op.create_table(
        table,
        *items,
        _column("recorded", TIME),
        _column("chain", sa.Integer()),
        _column("sequence", sa.BigInteger()),
        _column("content", BYTES),
        _column("hash", BYTES),
        sa.PrimaryKeyConstraint(key, name=f"{table}_pkey"),
        sa.UniqueConstraint("chain", "sequence", name=f"{table}_chain_sequence_key"),
        _reference(table, "chain", "chains", "number"),
    )


def _certificates() -> None:
    _create(
        "certificates",
        "digest",
        _column("digest", BYTES),
        _column("certificate", TEXT),
        _column("data", TEXT),
        _column("created", TIME),
        _column("risk", DOUBLE),
        _column("confidence", DOUBLE),
        _column("labels", sa.Integer()),
        _column("bad", sa.Integer()),
    )


def _draws() -> None:
    _create(
        "draws",
        "id",
        _column("id", TEXT),
        _column("outcome", NUMBER),
        _column("design", TEXT),
        _column("propensity", DOUBLE),
        _reference("draws", "outcome", "outcomes", "number"),
    )
    op.create_index("draws_outcome", "draws", ["outcome"])


def _claims() -> None:
    _create(
        "claims",
        "id",
        _column("id", TEXT),
        _column("outcome", NUMBER),
        _column("turn", sa.Integer()),
        _column("who", TEXT),
        _column("expires", TIME),
        sa.UniqueConstraint("outcome", "turn", name="claims_outcome_turn_key"),
        _reference("claims", "outcome", "outcomes", "number"),
    )


def _decisions() -> None:
    _create(
        "decisions",
        "id",
        _column("id", TEXT),
        _column("outcome", NUMBER),
        _column("attempt", sa.Integer()),
        _column("claim", TEXT),
        _column("who", TEXT),
        _column("decision", TEXT),
        _column("label", TEXT),
        _column("answer", TEXT, null=True),
        _column("salt", BYTES, null=True),
        _column("digest", BYTES),
        _column("sealed", BYTES, null=True),
        sa.UniqueConstraint("outcome", name="decisions_outcome_key"),
        _reference("decisions", "claim", "claims", "id"),
        _reference("decisions", "label", "labels", "id"),
        sa.ForeignKeyConstraint(
            ["outcome", "attempt"],
            ["attempts.outcome", "attempts.number"],
            name="decisions_outcome_attempt_fkey",
        ),
    )


def _holds() -> None:
    _create(
        "legal_holds",
        "id",
        _column("id", TEXT),
        _column("outcome", NUMBER, null=True),
        _column("name", TEXT, null=True),
        _column("lookup", BYTES, null=True),
        _column("who", TEXT),
        _column("reason", TEXT),
        _reference("legal_holds", "outcome", "outcomes", "number"),
    )
    _create(
        "releases",
        "id",
        _column("id", TEXT),
        _column("hold", TEXT),
        _column("who", TEXT),
        _column("reason", TEXT),
        sa.UniqueConstraint("hold", name="releases_hold_key"),
        _reference("releases", "hold", "legal_holds", "id"),
    )
