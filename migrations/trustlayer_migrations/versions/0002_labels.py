"""What people say of recorded answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustlayer_migrations.triggers import drop_triggers, make_triggers

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DOUBLE: sa.Double[float] = sa.Double()
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# A reason may be erased, and nothing else be changed.
_KEPT = ("id", "outcome", "attempt", "who", "bad", "digest", "recorded", "chain", "sequence")
APPEND_ONLY: dict[str, str | None] = {
    "labels": " AND ".join(f"NEW.{column} = OLD.{column}" for column in (*_KEPT, "hash"))
    + " AND NEW.reason IS NULL AND NEW.salt IS NULL"
}


def upgrade() -> None:
    op.create_table(
        "labels",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("outcome", NUMBER, nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("who", TEXT, nullable=False),
        sa.Column("bad", sa.Boolean(), nullable=False),
        sa.Column("spans", sa.JSON(), nullable=True),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("propensity", DOUBLE, nullable=True),
        sa.Column("recorded", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="labels_pkey"),
        sa.UniqueConstraint("chain", "sequence", name="labels_chain_sequence_key"),
        sa.ForeignKeyConstraint(["chain"], ["chains.number"], name="labels_chain_fkey"),
        sa.ForeignKeyConstraint(
            ["outcome", "attempt"],
            ["attempts.outcome", "attempts.number"],
            name="labels_outcome_attempt_fkey",
        ),
    )
    op.create_index("labels_outcome", "labels", ["outcome", "attempt"])
    make_triggers(APPEND_ONLY)


def downgrade() -> None:
    drop_triggers(APPEND_ONLY)
    op.drop_table("labels")
