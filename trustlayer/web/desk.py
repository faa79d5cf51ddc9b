"""What the desk works with, and the bounds it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from fastapi import Request

from trustlayer.audit import AuditStore
from trustlayer.verifier import Verifier
from trustlayer.web.examining import Examiner
from trustlayer.web.rates import Rates
from trustlayer.web.reviewers import Reviewers
from trustlayer.web.sessions import Sessions

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The bounds of one desk; times are in seconds.

    *hosts* are the names that a request may be addressed to, without a port. *secure* says
    that browsers reach it by https. *body* is in bytes. A client address may make *burst*
    requests at once and *rate* a second in the long run, and *guesses* wrong tokens a minute.
    *abreast* is how many answers are examined at a time, *claim* how long an answer stays
    with the reviewer who took it.
    """

    hosts: frozenset[str] = LOOPBACK
    secure: bool = False
    body: int = 2_000_000
    patience: float = 60.0
    rate: float = 50.0
    burst: int = 200
    guesses: int = 10
    abreast: int = 2
    lifetime: float = 12 * 3600.0
    claim: float = 600.0

    def __post_init__(self) -> None:
        for name in ("body", "patience", "rate", "burst", "guesses", "abreast", "lifetime"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be more than 0, got {getattr(self, name)}")


@dataclass(slots=True)
class Desk:
    """One store, those who may work on it, and what examines further answers.

    *verifier* is called once, when the first answer is to be examined; None refuses that.
    """

    store: AuditStore
    reviewers: Reviewers
    verifier: Callable[[], Verifier] | None = None
    settings: Settings = Settings()  # frozen
    sessions: Sessions = field(init=False)
    guesses: Rates = field(init=False)
    examiner: Examiner = field(init=False)

    def __post_init__(self) -> None:
        self.sessions = Sessions(self.settings.lifetime)
        self.examiner = Examiner(self.verifier, self.settings.abreast)
        self.guesses = Rates(self.settings.guesses / 60, self.settings.guesses)


def desk_of(request: Request) -> Desk:
    """The desk that serves *request*."""
    return cast(Desk, request.app.state.desk)
