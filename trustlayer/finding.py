"""What is wrong with an answer, and who says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from trustlayer.exchange import Exchange, Span


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason to doubt the answer, and where in it; no span means the whole answer."""

    reason: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """How likely the answer is to be unsound in one respect, and why.

    *risk* is a probability: 0.0 is sound, 1.0 is certainly unsound.
    """

    risk: float
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.risk <= 1.0:  # also refuses NaN
            raise ValueError(f"risk must lie in [0, 1], got {self.risk}")


_SKIPPED = "not needed: "  # part of the reason, so that it survives wherever that is kept


@dataclass(frozen=True, slots=True)
class Unexamined:
    """A detector did not examine the answer: neither sound nor unsound, and why."""

    detector: str
    reason: str

    @classmethod
    def skipped(cls, detector: str, reason: str) -> Unexamined:
        """A detector that was not asked, since its word could not have changed the action."""
        return cls(detector, f"{_SKIPPED}{reason}")

    @property
    def needless(self) -> bool:
        """Whether it was skipped."""
        return self.reason.startswith(_SKIPPED)


@runtime_checkable
class Detector(Protocol):
    """Anything with a name that can examine a batch of exchanges.

    A detector may also carry ``version: str``, ``needs: tuple[str, ...]`` (the fields of
    `Exchange` that it cannot do without; ``"samples|logprobs"`` where either will do) and
    ``limit: float`` (the risk up to which an answer is sound by default). Its ``repr`` is
    recorded with every outcome: keep secrets out of it.
    """

    @property
    def name(self) -> str: ...

    def examine(self, exchanges: Sequence[Exchange], /) -> Sequence[Finding | Unexamined]:
        """Return one finding for each exchange, in order."""
        ...


@dataclass(frozen=True, slots=True)
class FunctionDetector:
    """A detector made of a function that examines one exchange at a time."""

    function: Callable[[Exchange], Finding | Unexamined] = field(repr=False)
    name: str
    version: str = "0"
    needs: tuple[str, ...] = ()
    limit: float | None = None

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        return [self.function(exchange) for exchange in exchanges]


def detector(function: Callable[[Exchange], Finding | Unexamined]) -> FunctionDetector:
    """Make a detector of *function*, under the function's own name."""
    return FunctionDetector(function, function.__name__)
