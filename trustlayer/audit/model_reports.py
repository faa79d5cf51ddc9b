"""What models, and prompt templates, did: their attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from trustlayer.audit import scope as scopes
from trustlayer.audit.facts import facts, total
from trustlayer.audit.scope import Scope
from trustlayer.audit.store import AuditStore
from trustlayer.audit.summary_tables import attempt_days


@dataclass(frozen=True, slots=True)
class ModelReport:
    """A model's attempts; *model* is None for answers that were given rather than asked for.

    *failed* counts those without an answer, *accepted* those whose answer was accepted.
    """

    model: str | None
    attempts: int
    failed: int
    accepted: int
    accepted_share: float
    mean_risk: float | None
    tokens_in: int
    tokens_out: int
    cost: float
    mean_seconds: float | None


@dataclass(frozen=True, slots=True)
class TemplateReport:
    """The attempts whose prompt came of that template; None where the caller named none."""

    template: str | None
    attempts: int
    failed: int
    accepted: int
    accepted_share: float
    mean_risk: float | None
    cost: float


def by_model(store: AuditStore, scope: Scope | datetime | None = None) -> list[ModelReport]:
    """Attempts by model, in the order of their names; given answers first."""
    return [
        ModelReport(
            name,
            **_shares(row),
            tokens_in=int(row["tokens_in"]),
            tokens_out=int(row["tokens_out"]),
            cost=float(row["cost"]),
            mean_seconds=float(row["seconds"]) / int(row["attempts"]),
        )
        for name, row in _by(store, scope, "model")
    ]


def by_template(store: AuditStore, scope: Scope | datetime | None = None) -> list[TemplateReport]:
    """Attempts by prompt template, in the order of their names; those without one first."""
    return [
        TemplateReport(name, **_shares(row), cost=float(row["cost"]))
        for name, row in _by(store, scope, "template")
    ]


def _by(
    store: AuditStore, scope: Scope | datetime | None, key: str
) -> list[tuple[str | None, Mapping[str, Any]]]:
    with store.snapshot() as session:
        tries = facts(session, attempt_days, scopes.of(scope))
        counted = ("attempts", "failed", "accepted", "answered", "risk")
        sums = total(tries, *counted, "seconds", "tokens_in", "tokens_out", "cost")
        query = select(tries.c[key].label("name"), *sums).group_by(tries.c[key])
        rows = session.execute(query.order_by(tries.c[key])).mappings().all()
    return [(row["name"] or None, dict(row)) for row in rows]


def _shares(row: Mapping[str, Any]) -> dict[str, Any]:
    attempts, answered = int(row["attempts"]), int(row["answered"])
    return {
        "attempts": attempts,
        "failed": int(row["failed"]),
        "accepted": int(row["accepted"]),
        "accepted_share": int(row["accepted"]) / attempts,
        "mean_risk": float(row["risk"]) / answered if answered else None,
    }
