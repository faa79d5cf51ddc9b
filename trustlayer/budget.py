"""What one run may spend, and what it has spent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # an attempt knows of policies, and they of budgets
    from trustlayer.outcome import Attempt


@dataclass(frozen=True, slots=True)
class Spent:
    """The means used up so far; None where an attempt did not tell what it took."""

    money: float | None = 0.0
    tokens: int | None = 0
    seconds: float = 0.0
    attempts: int = 0

    @classmethod
    def on(cls, attempts: Sequence[Attempt], seconds: float = 0.0) -> Spent:
        """The sum over *attempts*, *seconds* after the run began; no answer costs nothing."""
        paid = [a for a in attempts if a.verdict is not None or a.cost is not None]
        costs = [attempt.cost for attempt in paid]
        tokens = [value for a in paid for value in (a.tokens_in, a.tokens_out)]
        return cls(
            None if None in costs else math.fsum(cost for cost in costs if cost is not None),
            None if None in tokens else sum(count for count in tokens if count is not None),
            seconds,
            sum(attempt.model is not None for attempt in attempts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that one run may spend; None sets no bound.

    *money* is in the currency of the prices, *tokens* counts those read and written, *seconds*
    is wall-clock time: an answer that has not come by then is not waited for, and one that
    could not be examined by then is unexamined. *attempts* counts questions to models, the
    samples of an answer aside. No question is asked once a bound is reached; the last one
    asked, or the last samples, may overstep money and tokens. Where a model does not tell its
    tokens or its price, a budget of them counts as reached: it could not be held.
    """

    money: float | None = None
    tokens: int | None = None
    seconds: float | None = None
    attempts: int | None = None

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and not value > 0:  # also refuses NaN
                raise ValueError(f"a budget of {name} must be above 0, got {value}")

    def reached(self, spent: Spent) -> str | None:
        """Which bound forbids another question, in words; None when there is none."""
        for name in self.__slots__:
            bound, used = getattr(self, name), getattr(spent, name)
            if bound is not None and used is None:
                return f"an attempt did not tell its {name}, so that their budget cannot be held"
            if bound is not None and used >= bound:
                return f"the budget of {bound:g} {name} is spent"
        return None

    def left(self, spent: Spent) -> float | None:
        """The seconds that are left, at least 0; None without a bound on them."""
        return None if self.seconds is None else max(0.0, self.seconds - spent.seconds)
