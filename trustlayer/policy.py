"""What to do about the findings: a pure function of what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from trustlayer.finding import Finding, Unexamined

DEFAULT_LIMIT = 0.5


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Accept below the limits, revise while attempts last, then escalate, then *otherwise*.

    The limit of a detector is the one in *limits* under its name, else *limit*, else the
    detector's own, else 0.5.
    *revisions* is the number of second tries granted to each model. *tolerated* names the
    detectors whose failure to examine an answer does not keep it from being accepted.
    *otherwise* is what becomes of an answer that no model got right: HOLD it for a person,
    or REFUSE it.
    """

    limit: float | None = None
    limits: Mapping[str, float] = field(default_factory=dict[str, float])
    revisions: int = 1
    tolerated: frozenset[str] = frozenset()
    otherwise: Action = Action.HOLD

    def __post_init__(self) -> None:
        for name, limit in {"every detector": self.limit, **self.limits}.items():
            if limit is not None and not 0.0 <= limit <= 1.0:
                raise ValueError(f"the limit of {name} must lie in [0, 1], got {limit}")
        if self.revisions < 0:
            raise ValueError(f"revisions must be 0 or more, got {self.revisions}")
        if self.otherwise not in (Action.HOLD, Action.REFUSE):
            raise ValueError(f"otherwise must be HOLD or REFUSE, got {self.otherwise!r}")
        if isinstance(self.tolerated, str):
            raise TypeError(f"tolerated must be a set of names, got the str {self.tolerated!r}")

    def with_defaults(self, limits: Mapping[str, float]) -> Policy:
        """Fill in the detectors' own *limits* where this policy states none."""
        return self if self.limit is not None else replace(self, limits={**limits, **self.limits})

    def limit_of(self, detector: str) -> float:
        return self.limits.get(detector, DEFAULT_LIMIT if self.limit is None else self.limit)

    def exceeded(self, findings: Mapping[str, Finding]) -> list[str]:
        """Name the detectors whose risk lies above their limit."""
        return [name for name, found in findings.items() if found.risk > self.limit_of(name)]

    def blocking(self, unexamined: Sequence[Unexamined]) -> list[Unexamined]:
        """Keep those failures to examine that forbid acceptance."""
        return [failure for failure in unexamined if failure.detector not in self.tolerated]

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
