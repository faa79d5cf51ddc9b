"""The sums by day that reports read, and the views of rows from which they are made.

The sums are derived: dropped and made again they are the same, and nobody's word rests on them.
*summarised* tells up to where each chain is contained in them. A null model or template is an
empty string there, for it tells rows apart.
"""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Double,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
)

from trustlayer.audit.columns import AnyText, Number, UtcTime
from trustlayer.audit.tables import Base

_REAL: Any = cast(Any, Double)()
_KINDS: dict[str, Any] = {
    "day": Date(),
    "detector": Integer(),
    **dict.fromkeys(("action", "model", "template", "reason", "measure"), AnyText()),
    **dict.fromkeys(("value", "seconds", "risk", "risk_squared", "risk_before"), _REAL),
    **dict.fromkeys(("risk_after", "cost", "extra_cost", "extra_seconds"), _REAL),
    **dict.fromkeys(("final_risk", "final_risk_squared"), _REAL),
}
TEXTS = ("model", "template")
VIEWS = MetaData()  # apart, since migrations are compared with the metadata of tables


def _sums(name: str, keys: tuple[str, ...], *sums: str) -> Table:
    columns: list[Column[Any]] = [
        *(Column(key, _kind(key), primary_key=True, autoincrement=False) for key in keys),
        *(Column(one, _kind(one), nullable=False) for one in sums),
    ]
    return Table(name, Base.metadata, *columns, sqlite_with_rowid=False)


def _kind(name: str) -> Any:
    return _KINDS.get(name, BigInteger())


summarised = Table(
    "summarised",
    Base.metadata,
    Column("chain", Integer, ForeignKey("chains.number"), primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
)
outcome_days = _sums(
    "outcome_days", ("day", "action", "model", "template"),
    "outcomes", "interrupted", "seconds", "at_once", "revised", "escalated", "answered", "risk",
    "risk_squared", "several", "risk_before", "risk_after",
)  # fmt: skip
attempt_days = _sums(
    "attempt_days", ("day", "model", "template"),
    "attempts", "failed", "accepted", "answered", "risk", "seconds", "tokens_in", "tokens_out",
    "cost", "priced", "revisions", "better_revisions", "escalations", "better_escalations",
    "extra_cost", "extra_seconds",
)  # fmt: skip
finding_days = _sums(
    "finding_days", ("day", "detector", "model", "template"),
    "findings", "examined", "over_limit", "unexamined", "risk", "timed", "seconds", "final",
    "final_risk", "final_risk_squared",
)  # fmt: skip
unexamined_days = _sums(
    "unexamined_days", ("day", "detector", "model", "template", "reason"), "findings"
)
measure_days = _sums(
    "measure_days", ("measure", "day", "detector", "model", "template", "value"), "count"
)
SUMS = (outcome_days, attempt_days, finding_days, unexamined_days, measure_days)


def _rows(name: str, sums: Table, *more: str) -> Table:
    # The view whose rows *sums* adds up: the same columns, and which outcome it is.
    columns: list[Column[Any]] = [
        Column("number", Number),
        Column("id", String),
        Column("started", UtcTime),
        Column("chain", Integer),
        Column("sequence", BigInteger),
        *(Column(column.name, column.type) for column in sums.columns),
        *(Column(one, _kind(one)) for one in more),
    ]
    return Table(name, VIEWS, *columns)


MEASURES = {
    "run": "report_run_seconds",
    "asking": "report_asking_seconds",
    "cost": "report_costs",
    "answer": "report_answer_risks",
    "risk": "report_risks",
    "examining": "report_examining_seconds",
}
MEASURE_ROWS = {name: _rows(view, measure_days) for name, view in MEASURES.items()}
ROWS: dict[str, tuple[Table, ...]] = {  # by the table of sums; more views than one are added
    "outcome_days": (_rows("report_outcomes", outcome_days, "attempt"),),
    "attempt_days": (_rows("report_attempts", attempt_days, "attempt"),),
    "finding_days": (_rows("report_findings", finding_days, "attempt"),),
    "unexamined_days": (_rows("report_unexamined", unexamined_days, "attempt"),),
    "measure_days": tuple(MEASURE_ROWS.values()),
}
