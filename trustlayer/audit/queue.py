"""The queue of held answers, the oldest first, and waiting for what is decided on one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from trustlayer.audit import review
from trustlayer.audit.reports import OutcomeLine
from trustlayer.audit.review import Claim, Decision
from trustlayer.audit.searching import outcome_lines
from trustlayer.audit.store import AuditStore
from trustlayer.audit.tables import OutcomeRow

_SOONEST, _LATEST = 0.2, 5.0  # seconds between two looks, at first and in the end


@dataclass(frozen=True, slots=True)
class Waiting:
    """A held answer that waits, and who looks at it, if anybody does."""

    line: OutcomeLine
    claim: Claim | None


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Some of the queue; *after* is the cursor of the next page, None at its end."""

    waiting: tuple[Waiting, ...]
    after: int | None


def queue(store: AuditStore, *, after: int | None = None, limit: int = 50) -> QueuePage:
    """Those that wait for a decision, the one held for longest first."""
    query = select(OutcomeRow.number, OutcomeRow.id).where(*review.held())
    if after is not None:
        query = query.where(OutcomeRow.number > after)
    with store.session() as session:
        found = session.execute(query.order_by(OutcomeRow.number).limit(limit + 1)).all()
        ids: dict[int, str] = dict(found[:limit])
        claims = review.claims(session, ids)
        lines = outcome_lines(session, list(ids))
    rest = found[limit - 1].number if len(found) > limit else None
    return QueuePage(tuple(Waiting(line, claims.get(line.id)) for line in lines), rest)


def await_decision(
    store: AuditStore, outcome: str, timeout: float | None = None
) -> Decision | None:
    """Wait until somebody has decided on the outcome of that id; None after *timeout* seconds.

    Raises UnknownOutcome, and NotHeld for an outcome that nobody is asked to decide on.
    """
    review.expect_held(store, outcome)
    for pause in _pauses(timeout):
        if (found := review.decision(store, outcome)) is not None:
            return found
        time.sleep(pause)
    return review.decision(store, outcome)


async def aawait_decision(
    store: AuditStore, outcome: str, timeout: float | None = None
) -> Decision | None:
    """Do what `await_decision` does, without blocking the event loop."""
    await asyncio.to_thread(review.expect_held, store, outcome)
    for pause in _pauses(timeout):
        if (found := await asyncio.to_thread(review.decision, store, outcome)) is not None:
            return found
        await asyncio.sleep(pause)
    return await asyncio.to_thread(review.decision, store, outcome)


def _pauses(timeout: float | None) -> Iterator[float]:
    end, pause = None if timeout is None else time.monotonic() + timeout, _SOONEST
    while end is None or time.monotonic() < end:
        yield pause if end is None else max(0.0, min(pause, end - time.monotonic()))
        pause = min(_LATEST, pause * 1.5)
