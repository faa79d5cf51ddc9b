"""Texts know their month; on PostgreSQL each month's lie in a partition of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from trustlayer_migrations.report_views import views
from trustlayer_migrations.triggers import drop_triggers, erasable, make_triggers

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = "outcome, number, digest, salt, body, sealed"
_MOST = 120  # months that get a partition of their own; of more, the rest lie together
_DEFINED = """
    outcome BIGINT NOT NULL, number INTEGER NOT NULL, digest BYTEA NOT NULL, salt BYTEA,
    body TEXT COLLATE "C", sealed BYTEA
"""
_TABLE = f"""
CREATE TABLE texts (
    {_DEFINED}, month INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT texts_pkey PRIMARY KEY (outcome, number, month),
    CONSTRAINT texts_outcome_fkey FOREIGN KEY (outcome) REFERENCES outcomes (number)
) PARTITION BY LIST (month)
"""
_WHOLE = f"""
CREATE TABLE texts (
    {_DEFINED},
    CONSTRAINT texts_pkey PRIMARY KEY (outcome, number),
    CONSTRAINT texts_outcome_fkey FOREIGN KEY (outcome) REFERENCES outcomes (number)
)
"""
_MONTH = "CAST(to_char(timezone('UTC', o.started), 'YYYYMM') AS INTEGER)"


def upgrade() -> None:
    drop_triggers(_append_only())
    if _postgresql():
        _part()
    else:
        month = sa.Column("month", sa.Integer(), server_default="0", nullable=False)
        op.add_column("texts", month)
        op.execute(
            "UPDATE texts SET month = (SELECT CAST(strftime('%Y%m', o.started) AS INTEGER) "
            "FROM outcomes o WHERE o.number = texts.outcome)"
        )
    make_triggers(_append_only("month"))


def downgrade() -> None:
    drop_triggers(_append_only())
    if _postgresql():
        _put_aside()
        op.execute(_WHOLE)
        op.execute(
            f"INSERT INTO texts ({_COLUMNS}) "  # noqa: S608  # our own words
            f"SELECT {_COLUMNS} FROM texts_before"
        )
        _settle()
    else:
        op.drop_column("texts", "month")
    make_triggers(_append_only())


def _part() -> None:
    _put_aside()
    op.execute(_TABLE)
    op.execute("CREATE TABLE texts_erased PARTITION OF texts FOR VALUES IN (0)")
    op.execute("CREATE TABLE texts_other PARTITION OF texts DEFAULT")
    months = op.get_bind().scalars(
        sa.text(
            f"SELECT DISTINCT {_MONTH} AS month FROM outcomes o "  # noqa: S608
            "ORDER BY month DESC LIMIT :most"
        ),
        {"most": _MOST},
    )
    for month in months.all():
        op.execute(f"CREATE TABLE texts_{month:d} PARTITION OF texts FOR VALUES IN ({month:d})")
    op.execute(
        f"INSERT INTO texts ({_COLUMNS}, month) "  # noqa: S608
        f"SELECT t.outcome, t.number, t.digest, t.salt, t.body, t.sealed, {_MONTH} "
        "FROM texts_before t JOIN outcomes o ON o.number = t.outcome"
    )
    _settle()


def _put_aside() -> None:
    op.execute("ALTER TABLE texts RENAME TO texts_before")
    for name in ("pkey", "outcome_fkey"):
        op.execute(f"ALTER TABLE texts_before RENAME CONSTRAINT texts_{name} TO before_{name}")


def _settle() -> None:
    # The views still read the table that was put aside. The planner keeps no samples of texts.
    for name, select in views("postgresql").items():
        if "texts" in select:
            op.execute(f"CREATE OR REPLACE VIEW {name} AS {select}")
    op.execute("DROP TABLE texts_before")
    op.execute("ALTER TABLE texts ALTER COLUMN body SET STATISTICS 0")


def _append_only(*more: str) -> dict[str, str | None]:
    return {"texts": erasable("body", "outcome", "number", "digest", *more)}


def _postgresql() -> bool:
    return op.get_context().dialect.name == "postgresql"
