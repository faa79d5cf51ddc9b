"""The guided loop, without input or output: it says what it needs and is sent it.

`course` yields an `Ask` when a model is to be asked and an `Exchange` when one is to be
examined, and is sent an `Answered` or an `Examination`. The drivers in `verifier` do the
waiting. What has happened so far stands in the `Trail`, also when the loop is broken off.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from trustlayer.examination import Examination
from trustlayer.exchange import Exchange
from trustlayer.guidance import guide
from trustlayer.model import Ask, Model, Reply, Request
from trustlayer.outcome import Attempt, Verdict
from trustlayer.policy import Action, Policy


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of an `Ask`: a reply, or the error in its place."""

    reply: Reply | None
    error: str | None
    seconds: float


@dataclass(slots=True)
class Trail:
    """The attempts so far, and the best verdict among them."""

    attempts: list[Attempt] = field(default_factory=list[Attempt])
    best: Verdict | None = None

    def add(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        if attempt.kept:
            self.best = attempt.verdict

    @property
    def action(self) -> Action:
        """The final action; REFUSE when the loop never came to one."""
        last = self.attempts[-1].action if self.attempts else Action.REFUSE
        return last if last.final else Action.REFUSE

    def improves(self, verdict: Verdict) -> bool:
        """Whether *verdict* is the first, or its risk fell."""
        return self.best is None or verdict.risk < self.best.risk


Step = Ask | Exchange
Course = Generator[Step, Answered | Examination, None]


def course(policy: Policy, models: Sequence[Model], request: Request, trail: Trail) -> Course:
    """Ask each model in turn until an answer is accepted or none is left."""
    for rung, model in enumerate(models):
        last = rung == len(models) - 1
        yield from _attempts(policy, model, request, trail, last=last)
        if trail.attempts[-1].action is not Action.ESCALATE:
            return


def _attempts(
    policy: Policy, model: Model, request: Request, trail: Trail, *, last: bool
) -> Course:
    number = 0
    while True:
        attempt = yield from _attempt(policy, model, request, trail, number, last=last)
        trail.add(attempt)
        if attempt.action is not Action.REVISE or trail.best is None:
            return
        request = guide(trail.best, policy)
        number += 1


def _attempt(
    policy: Policy, model: Model, request: Request, trail: Trail, number: int, *, last: bool
) -> Generator[Step, Answered | Examination, Attempt]:
    answered = yield Ask(model, request)
    assert isinstance(answered, Answered)
    if answered.reply is None:
        action = Action.ESCALATE if not last else policy.otherwise if trail.best else Action.REFUSE
        return Attempt(
            model.name,
            request,
            None,
            action,
            error=answered.error,
            seconds_asking=answered.seconds,
        )
    exchange = _exchange(request, answered.reply)
    examination = yield exchange
    assert isinstance(examination, Examination)
    verdict = judge(policy, exchange, examination, attempt=number, last=last)
    return Attempt(
        model.name,
        request,
        verdict,
        verdict.action,
        kept=trail.improves(verdict),
        seconds_asking=answered.seconds,
        seconds_examining=examination.seconds,
        tokens_in=answered.reply.tokens_in,
        tokens_out=answered.reply.tokens_out,
        cost=_cost(model, answered.reply),
    )


def judge(
    policy: Policy,
    exchange: Exchange,
    examination: Examination,
    *,
    attempt: int = 0,
    last: bool = True,
) -> Verdict:
    """Turn what the detectors said of an exchange into a verdict on it."""
    findings, unexamined = examination.findings, examination.unexamined
    action = policy.decide(findings, unexamined, attempt=attempt, last=last)
    risk = 1.0 if policy.blocking(unexamined) else policy.risk(findings)
    return Verdict(exchange, findings, unexamined, action, risk)


def given(policy: Policy, exchange: Exchange, examination: Examination) -> Attempt:
    """The one attempt of a run whose answer was given: nobody is left to ask again."""
    verdict = judge(policy, exchange, examination, attempt=policy.revisions)
    request = Request(exchange.prompt, exchange.context)
    return Attempt(
        None, request, verdict, verdict.action, True, seconds_examining=examination.seconds
    )


def _exchange(request: Request, reply: Reply) -> Exchange:
    context = request.context if reply.context is None else reply.context
    return Exchange(request.prompt, reply.text, context, logprobs=reply.logprobs)


def _cost(model: Model, reply: Reply) -> float | None:
    if reply.cost is not None or model.price is None:
        return reply.cost
    return model.price.of(reply)
