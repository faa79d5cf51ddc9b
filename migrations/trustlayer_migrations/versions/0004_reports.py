"""What reports read: views without any text, and sums by day of all that lies long enough."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from trustlayer_migrations.report_views import DAILY, views

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNT = sa.BigInteger()
DOUBLE: sa.Double[float] = sa.Double()
DOUBLES = (
    "value", "seconds", "risk", "risk_squared", "risk_before", "risk_after", "cost",
    "extra_cost", "extra_seconds", "final_risk", "final_risk_squared",
)  # fmt: skip
KINDS: dict[str, Any] = {  # all others are counts
    "day": sa.Date(),
    "detector": sa.Integer(),
    **dict.fromkeys(("action", "model", "template", "reason", "measure"), TEXT),
    **dict.fromkeys(DOUBLES, DOUBLE),
}


def upgrade() -> None:
    op.create_table(
        "summarised",
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("sequence", COUNT, nullable=False),
        sa.PrimaryKeyConstraint("chain", name="summarised_pkey"),
        sa.ForeignKeyConstraint(["chain"], ["chains.number"], name="summarised_chain_fkey"),
    )
    for table, (_, keys, sums) in DAILY.items():
        columns = [sa.Column(name, KINDS.get(name, COUNT), nullable=False) for name in keys + sums]
        key = sa.PrimaryKeyConstraint(*keys, name=f"{table}_pkey")
        op.create_table(table, *columns, key, sqlite_with_rowid=False)
    for name, select in views(op.get_context().dialect.name).items():
        op.execute(f"CREATE VIEW {name} AS {select}")


def downgrade() -> None:
    for name in reversed(views(op.get_context().dialect.name)):
        op.execute(f"DROP VIEW {name}")
    for table in reversed([*DAILY]):
        op.drop_table(table)
    op.drop_table("summarised")
