"""What revising and escalating gained, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from trustlayer.audit import scope as scopes
from trustlayer.audit.audited import answers
from trustlayer.audit.facts import facts, total
from trustlayer.audit.scope import Scope
from trustlayer.audit.store import AuditStore
from trustlayer.audit.summary_tables import attempt_days, outcome_days


@dataclass(frozen=True, slots=True)
class Gains:
    """Where the accepted answers came from, and what the further attempts were worth.

    *first*, *revised* and *escalated* count outcomes: accepted at once, after a revision by
    the first model, or after another model was asked; *lost* those accepted from none.
    *revisions* and *escalations* count attempts, *better_* of them those that lowered the
    risk. *risk_before* and *risk_after* are means over the outcomes with several answers, of
    the first and of the one kept last. *extra_cost* and *extra_seconds* are those of all
    attempts but the first ones.
    """

    first: int
    revised: int
    escalated: int
    lost: int
    revisions: int
    better_revisions: int
    escalations: int
    better_escalations: int
    risk_before: float | None
    risk_after: float | None
    extra_cost: float
    extra_seconds: float


def gains(store: AuditStore, scope: Scope | datetime | None = None) -> Gains:
    """Compare first answers with those that came of revising and escalating them."""
    scope = scopes.of(scope)
    with store.snapshot() as session:
        runs = facts(session, outcome_days, scope)
        counted = ("outcomes", "at_once", "revised", "escalated", "several")
        sums = total(runs, *counted, "risk_before", "risk_after")
        found: dict[str, Any] = dict(session.execute(select(*sums)).mappings().one())
        tries = facts(session, attempt_days, scope)
        better = ("revisions", "better_revisions", "escalations", "better_escalations")
        sums = total(tries, *better, "extra_cost", "extra_seconds")
        found |= session.execute(select(*sums)).mappings().one()
    first, revised, escalated = (int(found[n]) for n in ("at_once", "revised", "escalated"))
    several = int(found["several"])
    return Gains(
        first,
        revised,
        escalated,
        int(found["outcomes"]) - first - revised - escalated,
        **{name: int(found[name]) for name in better},
        risk_before=float(found["risk_before"]) / several if several else None,
        risk_after=float(found["risk_after"]) / several if several else None,
        extra_cost=float(found["extra_cost"]),
        extra_seconds=float(found["extra_seconds"]),
    )


@dataclass(frozen=True, slots=True)
class LabelledGains:
    """What people say of first answers and of what came of them, where they judged both.

    *mended* were bad and became good, *spoiled* the other way round; the rest stayed as it was.
    """

    pairs: int
    bad_before: int
    bad_after: int
    mended: int
    spoiled: int


def labelled_gains(store: AuditStore, scope: Scope | datetime | None = None) -> LabelledGains:
    """Compare the labels on first and on final answers of the same outcomes."""
    with store.snapshot() as session:
        found = answers(session, scopes.of(scope))
    first = {one.number: one.bad for one in found if one.attempt == 0 and not one.final}
    last = {one.number: one.bad for one in found if one.final}
    pairs = [(first[number], last[number]) for number in first.keys() & last.keys()]
    return LabelledGains(
        len(pairs),
        sum(before for before, _ in pairs),
        sum(after for _, after in pairs),
        sum(before and not after for before, after in pairs),
        sum(after and not before for before, after in pairs),
    )
