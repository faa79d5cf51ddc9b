"""Answers examined on behalf of a client: a few at a time, the others are told to come again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Lock

from trustlayer.exchange import Exchange
from trustlayer.outcome import Outcome
from trustlayer.verifier import Verifier
from trustlayer.web.problems import Problem

_WAIT = 2.0  # seconds: about what an examination takes


@dataclass(slots=True)
class Examiner:
    """Examines *abreast* answers at a time with what *make* gives, once it is needed."""

    make: Callable[[], Verifier] | None
    abreast: int
    _verifier: Verifier | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)
    _places: BoundedSemaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._places = BoundedSemaphore(self.abreast)

    def examine(self, exchange: Exchange, correlation: Mapping[str, str]) -> Outcome:
        """The outcome, as it is recorded; raises Problem when it cannot be had now."""
        if not self._places.acquire(blocking=False):
            told = f"{self.abreast} answers are being examined, no more at a time"
            raise Problem(503, told, after=_WAIT)
        try:
            [outcome] = self._made().settle_all([exchange], correlation)
            return outcome
        finally:
            self._places.release()

    def _made(self) -> Verifier:
        with self._lock:
            if self._verifier is None:
                if self.make is None:
                    raise Problem(503, "this desk examines no answers: it was given no verifier")
                self._verifier = self.make()
            return self._verifier
