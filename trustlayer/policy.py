"""What to do about the findings: a pure function of what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from trustlayer.budget import Budget
from trustlayer.certificate import EVERYONE, Certificate
from trustlayer.errors import VoidCertificate
from trustlayer.exchange import Exchange
from trustlayer.finding import Finding, Unexamined
from trustlayer.sampling import Sampling

DEFAULT_LIMIT = 0.5
NOISE = 0.02  # a smaller fall of the risk tells nothing: rounding and wording move it as far


class Action(StrEnum):
    """What happens next with an answer."""

    ACCEPT = "accept"
    REVISE = "revise"
    ESCALATE = "escalate"
    HOLD = "hold"
    REFUSE = "refuse"

    @property
    def final(self) -> bool:
        """Whether the loop ends with it."""
        return self not in (Action.REVISE, Action.ESCALATE)


class Strategy(StrEnum):
    """How an answer is to be bettered.

    REVISE asks for the whole answer again, the doubts spelled out. REPAIR has the doubtful
    sentences alone rewritten and keeps the rest word for word. RETRIEVE looks for further
    passages on the question and the doubtful sentences first, and then asks as REVISE does. RETRY
    puts the question again as
    if for the first time, to keep the best of several answers. ABSTAIN asks nobody: it cuts the
    doubtful sentences out.
    """

    REVISE = "revise"
    REPAIR = "repair"
    RETRIEVE = "retrieve"
    RETRY = "retry"
    ABSTAIN = "abstain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Accept below the limits, revise while attempts last, then escalate, then *otherwise*.

    The limit of a detector is the one in *limits* under its name, else *limit*, else the
    detector's own, else 0.5.
    *revisions* is the number of second tries granted to each model, made by the *strategies* in
    turn, the last of which serves all that are left. *tolerated* names the
    detectors whose failure to examine an answer does not keep it from being accepted.
    *otherwise* is what becomes of an answer that no model got right: HOLD it for a person,
    or REFUSE it. *certificate* is the one that the limits come from, if they are certified.
    *sampling* says when further answers are asked for; None means never. *budget* is what one
    run may spend. With *cascade*, a detector is not asked once those before it have settled
    the action: one exceeds its limit, or one of those in *clear* found no more than that risk.
    Among acceptable answers a later one takes the place of an earlier one only if its risk is
    lower by more than *margin*, on the scale on which a limit is 0.5.
    """

    limit: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict[str, float])
    revisions: int = 1
    tolerated: frozenset[str] = frozenset()
    otherwise: Action = Action.HOLD
    certificate: Certificate | None = None
    sampling: Sampling | None = None
    budget: Budget = Budget()  # noqa: RUF009  # frozen
    cascade: bool = False
    clear: Mapping[str, float] = field(default_factory=dict[str, float])
    strategies: tuple[Strategy, ...] = (Strategy.REVISE,)
    margin: float = NOISE

    def __post_init__(self) -> None:
        for name, limit in {"every detector": self.limit, **self.limits}.items():
            if limit is not None and not 0.0 <= limit <= 1.0:
                raise ValueError(f"the limit of {name} must lie in [0, 1], got {limit}")
        if not 0.0 <= self.margin < 1.0:
            raise ValueError(f"margin must lie in [0, 1), got {self.margin}")
        if self.revisions < 0:
            raise ValueError(f"revisions must be 0 or more, got {self.revisions}")
        if not self.strategies:
            raise ValueError("strategies must name one or more, got none")
        if self.otherwise not in (Action.HOLD, Action.REFUSE):
            raise ValueError(f"otherwise must be HOLD or REFUSE, got {self.otherwise!r}")
        if isinstance(self.tolerated, str):
            raise TypeError(f"tolerated must be a set of names, got the str {self.tolerated!r}")
        if self.certificate is not None and self.tolerated & set(self.certificate.detectors):
            raise ValueError("a certified detector cannot be tolerated when it fails to examine")
        if self.certificate is not None and self.clear:
            raise ValueError("what *clear* settles is not what the certificate was issued for")
        for name, risk in self.clear.items():
            limit = self.limits.get(name, self.limit)
            if limit is not None and not 0.0 <= risk <= limit:
                raise ValueError(f"clear of {name} must lie in [0, {limit:g}], got {risk}")

    @classmethod
    def certified(
        cls,
        certificate: Certificate,
        group: str = EVERYONE,
        *,
        alarms: bool = False,
        **options: Any,
    ) -> Policy:
        """A policy with the limits of *certificate* for *group*; raises VoidCertificate.

        They are those that bound the risk of what is accepted, or, with *alarms*, those that
        bound how many clean answers are not. A `Verifier` refuses to work under it with other
        detectors, or other versions.
        """
        bound = certificate.bound(group)
        limits = bound.alarms if alarms else bound.limits
        if limits is None:
            raise VoidCertificate(f"no alarm limits are certified for {group or 'all'}")
        return cls(limits=limits, certificate=certificate, **options)

    def with_defaults(self, limits: Mapping[str, float]) -> Policy:
        """Fill in the detectors' own *limits* where this policy states none."""
        return self if self.limit is not None else replace(self, limits={**limits, **self.limits})

    def limit_of(self, detector: str) -> float:
        return self.limits.get(detector, DEFAULT_LIMIT if self.limit is None else self.limit)

    def strategy(self, revision: int) -> Strategy:
        """How to make that *revision*, counted from zero."""
        return self.strategies[min(revision, len(self.strategies) - 1)]

    def exceeded(self, findings: Mapping[str, Finding]) -> list[str]:
        """Name the detectors whose risk lies above their limit."""
        return [name for name, found in findings.items() if found.risk > self.limit_of(name)]

    def blocking(self, unexamined: Sequence[Unexamined]) -> list[Unexamined]:
        """Keep those failures to examine that forbid acceptance."""
        return [
            failure
            for failure in unexamined
            if failure.detector not in self.tolerated and not failure.needless
        ]

    def settled(self, found: Mapping[str, Finding | Unexamined]) -> str | None:
        """Why no further detector is needed after those in *found*; None while one is."""
        if not self.cascade:
            return None
        findings = {name: f for name, f in found.items() if isinstance(f, Finding)}
        for name in self.exceeded(findings):
            return f"{name} exceeds its limit"
        for name, finding in findings.items():
            if finding.risk <= self.clear.get(name, -1.0):
                return f"{name} found the answer clearly sound"
        return None

    def wants_samples(
        self, exchange: Exchange, findings: Mapping[str, Finding], unexamined: Sequence[Unexamined]
    ) -> bool:
        """Whether further answers to the question of *exchange* are worth their cost."""
        sampling = self.sampling
        present = {*findings, *(failure.detector for failure in unexamined)}
        if sampling is None or exchange.samples or not sampling.serves & present:
            return False
        blocking = {failure.detector for failure in self.blocking(unexamined)}
        others = sampling.others(findings)
        if self.exceeded(others) or blocking - sampling.serves:
            return False  # the answer is lost already
        clear = bool(exchange.context and others) and self.risk(findings) < sampling.clear
        return not clear or bool(sampling.serves & self._certified)

    def sparing(
        self, exchange: Exchange, findings: Mapping[str, Finding], unexamined: Sequence[Unexamined]
    ) -> Policy:
        """This policy, tolerant of what only samples would serve where none are worth it."""
        sampling = self.sampling
        if sampling is None or exchange.samples:
            return self
        if self.wants_samples(exchange, findings, unexamined):
            return self
        return replace(self, tolerated=self.tolerated | (sampling.serves - self._certified))

    @property
    def _certified(self) -> frozenset[str]:
        return frozenset(self.certificate.detectors if self.certificate is not None else ())

    def limits_at(self, risk: float, detectors: Sequence[str]) -> dict[str, float]:
        """The limits of *detectors* that accept what lies at or below *risk* on that scale."""
        return {name: _unscale(risk, self.limit_of(name)) for name in detectors}

    def risk(self, findings: Mapping[str, Finding]) -> float:
        """The largest risk, each on a scale on which its own limit is 0.5.

        On that scale every acceptable answer lies below every unacceptable one, also when
        the detectors have different limits.
        """
        rescaled = [_rescale(f.risk, self.limit_of(name)) for name, f in findings.items()]
        return max(rescaled, default=0.0)

    def decide(
        self,
        findings: Mapping[str, Finding],
        unexamined: Sequence[Unexamined] = (),
        *,
        attempt: int = 0,
        last: bool = True,
    ) -> Action:
        """Choose the action for one answer.

        *attempt* counts the answers of the present model from zero; *last* says that no
        other model is left. An answer that is only unexamined is not revised: there is
        nothing to tell the model.
        """
        exceeded = self.exceeded(findings)
        if not exceeded and not self.blocking(unexamined):
            return Action.ACCEPT
        if exceeded and attempt < self.revisions:
            return Action.REVISE
        return self.otherwise if last else Action.ESCALATE


def _rescale(risk: float, limit: float) -> float:
    if risk <= limit:
        return 0.5 * risk / limit if limit else 0.0
    return 0.5 + 0.5 * (risk - limit) / (1.0 - limit)


def _unscale(risk: float, limit: float) -> float:
    if risk <= 0.5:
        return 2.0 * risk * limit
    return limit + (2.0 * risk - 1.0) * (1.0 - limit)
