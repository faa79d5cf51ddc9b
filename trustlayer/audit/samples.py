"""Samples of outcomes to be labelled, and with which probability each outcome was in them.

A sample is drawn from a frame: the outcomes with some final action, in some span of time, of
some model. What is logged of every draw names frame and design, so that the probability of any
outcome can be worked out later, also of one that was in the frame and was not drawn: a quality
claim that rests on several samples needs that.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy import select

from trustlayer.audit.draws import Draw, record_draws
from trustlayer.audit.facts import within
from trustlayer.audit.scope import Scope
from trustlayer.audit.store import AuditStore
from trustlayer.audit.summary_tables import ROWS
from trustlayer.drawing import FLOOR, Design, draw, propensities, weights
from trustlayer.metrics import Floats
from trustlayer.policy import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """From which outcomes was drawn, and how.

    *upto* is the number of the newest outcome then; *scale* times an outcome's weight is its
    probability, at most 1.
    """

    design: Design
    asked: int
    size: int
    scale: float
    upto: int
    action: Action
    seed: int
    since: datetime | None = None
    until: datetime | None = None
    model: str | None = None
    floor: float = FLOOR

    def holds(self, number: int, started: datetime, action: Action, model: str | None) -> bool:
        """Whether the outcome of that *number* could have been drawn."""
        return (
            number <= self.upto
            and action is self.action
            and (self.since is None or started >= self.since)
            and (self.until is None or started < self.until)
            and (self.model is None or model == self.model)
        )

    def propensity(self, risk: float) -> float:
        """The probability with which an outcome of that *risk* was drawn."""
        [weight] = weights(np.array([risk]), self.design, self.floor)
        return min(1.0, float(weight) * self.scale)

    def __str__(self) -> str:
        """What is logged of it."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({k: v for k, v in told.items() if v is not None}, default=_plain)

    @classmethod
    def read(cls, design: str) -> Frame | None:
        """The frame that was logged so; None for what somebody else logged."""
        try:
            told = json.loads(design)
            times = {k: datetime.fromisoformat(told[k]) for k in ("since", "until") if k in told}
            words = {"design": Design(told["design"]), "action": Action(told["action"])}
            return cls(**(told | times | words))
        except (ValueError, TypeError, KeyError):
            return None


@dataclass(frozen=True, slots=True)
class Sample:
    """The outcomes drawn, in random order, by id, each with its probability."""

    frame: Frame
    drawn: tuple[Draw, ...]


def sample(
    store: AuditStore,
    count: int,
    design: Design = Design.RISK,
    scope: Scope = Scope(),  # noqa: B008  # frozen
    *,
    action: Action = Action.ACCEPT,
    seed: int = 0,
) -> Sample:
    """Draw *count* outcomes with that final *action*, log the draw, and return it.

    Raises ValueError when there is none to draw from.
    """
    numbers, risks = _frame(store, scope, action)
    if not len(numbers):
        raise ValueError(f"there is no outcome with the action {action.value!r} to draw from")
    worth = weights(risks, design)
    chances = propensities(worth, count)
    frame = Frame(
        design=design,
        asked=count,
        size=len(numbers),
        scale=_scale(chances, worth),
        upto=int(numbers.max()),
        action=action,
        seed=seed,
        since=scope.since,
        until=scope.until,
        model=scope.model,
    )
    places = draw(chances, seed)
    ids = _ids(store, [int(numbers[place]) for place in places])
    drawn = [Draw(ids[int(numbers[place])], float(chances[place]), str(frame)) for place in places]
    record_draws(store, drawn)
    return Sample(frame, tuple(drawn))


def _frame(store: AuditStore, scope: Scope, action: Action) -> tuple[npt.NDArray[np.int64], Floats]:
    # Numbers and risks of the outcomes whose kept answer has a risk.
    [rows] = ROWS["outcome_days"]
    query = select(rows.c.number, rows.c.risk).where(
        rows.c.action == action.value, rows.c.risk.is_not(None), *within(rows, scope)
    )
    with store.snapshot() as session:
        found = session.execute(query.order_by(rows.c.number)).all()
    table = np.array([tuple(row) for row in found], dtype=float).reshape(-1, 2)
    return table[:, 0].astype(np.int64), np.clip(table[:, 1], 0.0, 1.0)


def _scale(chances: Floats, worth: Floats) -> float:
    below = chances < 1.0
    if below.any():
        return float((chances[below] / worth[below])[0])
    return float((1.0 / worth).max())


def _ids(store: AuditStore, numbers: Sequence[int]) -> dict[int, str]:
    [rows] = ROWS["outcome_days"]
    found: dict[int, str] = {}
    with store.session() as session:
        for start in range(0, len(numbers), 500):
            some = numbers[start : start + 500]
            query = select(rows.c.number, rows.c.id).where(rows.c.number.in_(some))
            found |= dict(session.execute(query).all())
    return found


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
