"""Escalation where it is worth its price, so that a stream of questions holds a budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

PRIOR = 2.0  # answers' worth of belief that the next model halves the risk
FIRMNESS = 0.05  # how fast the shadow price follows the spending


@dataclass(slots=True)
class _Mean:
    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        self.total += value
        self.count += 1


@dataclass(slots=True)
class Thrift:
    """Asks the next model about acceptable answers, too, while that is worth its price.

    It is when the risk is expected to fall by more than *price* for each *budget* that is
    spent. *price*, a shadow price, rises while runs cost more than *budget* on average and
    falls while they cost less, so that the mean cost of a run approaches *budget* from either
    side where there is anything to gain. The expected fall is learned from the risks seen, the
    cost from the models' prices. *fixed* keeps the price where it is. Shared among runs and
    threads.
    """

    budget: float
    price: float = 0.0
    fixed: bool = False
    risks: dict[str, _Mean] = field(default_factory=dict[str, _Mean], repr=False)
    lock: Lock = field(default_factory=Lock, repr=False)

    def __post_init__(self) -> None:
        if not self.budget > 0.0:
            raise ValueError(f"the budget of a run must be above 0, got {self.budget}")

    def worth(self, risk: float, model: str, cost: float | None, margin: float = 0.0) -> bool:
        """Whether an answer of that *risk* should go on to *model*, which takes *cost*.

        A fall of the risk by *margin* is no gain.
        """
        if cost is None:
            return False  # who does not know the price cannot weigh it
        with self.lock:
            seen = self.risks.get(model, _Mean())
            expected = (seen.total + PRIOR * 0.5 * risk) / (seen.count + PRIOR)
            return risk - expected - margin > self.price * cost / self.budget

    def note(self, model: str, risk: float) -> None:
        """Learn from the *risk* of an answer of *model*."""
        with self.lock:
            self.risks.setdefault(model, _Mean()).add(risk)

    def settle(self, cost: float | None) -> None:
        """Learn from what a whole run cost."""
        if self.fixed or cost is None:
            return
        with self.lock:
            self.price = max(0.0, self.price + FIRMNESS * (cost / self.budget - 1.0))
