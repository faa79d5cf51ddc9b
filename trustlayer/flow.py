"""The guided loop, without input or output: it says what it needs and is sent it.

`course` yields an `Ask` when a model is to be asked, `Several` when that can be done at the
same time, and an `Exchange` when one is to be examined; it is sent an `Answered`, a tuple of
them, or an `Examination`. The drivers in `verifier` do the waiting. What has happened so far
stands in the `Trail`, also when the loop is broken off.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from trustlayer.budget import Spent
from trustlayer.examination import Examination
from trustlayer.exchange import Exchange
from trustlayer.finding import Finding, Unexamined
from trustlayer.guidance import guide
from trustlayer.model import Ask, Model, Reply, Request
from trustlayer.outcome import Attempt, Verdict
from trustlayer.patience import TRIES
from trustlayer.policy import Action, Policy
from trustlayer.thrift import Thrift
from trustlayer.trail import Answered, Course, Sent, Several, Step, Trail

N = TypeVar("N", int, float)


@dataclass(frozen=True, slots=True)
class _Rung:
    """A model of the ladder and the one above it, under the rules of the run."""

    policy: Policy
    model: Model
    above: Model | None
    thrift: Thrift | None

    @property
    def last(self) -> bool:
        return self.above is None

    def ask(self, request: Request, trail: Trail, after: float = 0.0) -> Ask:
        return Ask(self.model, request, after, self.policy.budget.left(trail.spent))

    def failed(self, request: Request, answered: Answered, action: Action) -> Attempt:
        error, seconds = answered.error, answered.seconds
        return Attempt(self.model.name, request, None, action, error=error, seconds_asking=seconds)

    def samples(self, examined: _Examined, request: Request, trail: Trail) -> bool:
        """Whether further answers are worth their cost, and can be paid for."""
        exchange, examination = examined.exchange, examined.examination
        if not self.policy.wants_samples(exchange, examination.findings, examination.unexamined):
            return False
        verdict = judge(self.policy, exchange, examination, last=self.last)
        so_far = examined.attempt(self.model.name, request, verdict, kept=False)
        spent = Spent.on([*trail.attempts, so_far], trail.elapsed())
        return self.policy.budget.reached(spent) is None

    def weigh(self, verdict: Verdict, reply: Reply) -> Verdict:
        """Send an acceptable answer on to the model above where thrift finds it worth the price."""
        if self.thrift is None:
            return verdict
        self.thrift.note(self.model.name, verdict.risk)
        if verdict.action is not Action.ACCEPT or self.above is None:
            return verdict
        cost = None if self.above.price is None else self.above.price.of(reply)
        worth = self.thrift.worth(verdict.risk, self.above.name, cost)
        return replace(verdict, action=Action.ESCALATE) if worth else verdict


def course(
    policy: Policy,
    models: Sequence[Model],
    request: Request,
    trail: Trail,
    thrift: Thrift | None = None,
) -> Course:
    """Ask each model in turn until an answer is accepted or none is left."""
    for model, above in zip(models, [*models[1:], None], strict=True):
        yield from _attempts(_Rung(policy, model, above, thrift), request, trail)
        if trail.attempts[-1].action is not Action.ESCALATE:
            break
        if trail.best is not None:  # the passages that a model found serve the next one too
            request = replace(request, context=trail.best.exchange.context)
    if thrift is not None:
        thrift.settle(trail.spent.money)


def _attempts(rung: _Rung, request: Request, trail: Trail) -> Course:
    number = 0
    while True:
        attempt = yield from _attempt(rung, request, trail, number)
        trail.add(attempt)
        if attempt.action is not Action.REVISE or trail.best is None:
            return
        request = guide(trail.best, rung.policy)
        number += 1


def _attempt(
    rung: _Rung, request: Request, trail: Trail, number: int
) -> Generator[Step, Sent, Attempt]:
    policy, model = rung.policy, rung.model
    if (reason := policy.budget.reached(trail.spent)) is not None:
        unasked = Answered(None, f"not asked: {reason}", 0.0)
        return rung.failed(request, unasked, trail.ending(policy))
    answered = yield from _answered(rung, request, trail)
    if answered.reply is None:
        action = trail.ending(policy) if rung.last else Action.ESCALATE
        return rung.failed(request, answered, action)
    question = (model.name, Request(request.prompt, request.context))
    exchange = _exchange(request, answered.reply, trail.samples.get(question, ()))
    examined = yield from _examined(exchange, answered.reply, [(model, answered)])
    if rung.samples(examined, request, trail):
        examined = yield from _sampled(rung, request, trail, examined)
        trail.samples[question] = examined.samples
    verdict = judge(policy, examined.exchange, examined.examination, attempt=number, last=rung.last)
    sound = verdict if verdict.action is Action.ACCEPT else None
    verdict = rung.weigh(verdict, answered.reply)
    kept = sound is not None or trail.improves(verdict)
    trail.sound = sound or trail.sound
    if verdict.action.final and trail.sound is not None:  # an earlier answer will do
        verdict = replace(verdict, action=Action.ACCEPT)
    name = answered.reply.model or model.name
    return examined.attempt(name, request, verdict, kept=kept)


def _answered(rung: _Rung, request: Request, trail: Trail) -> Generator[Step, Sent, Answered]:
    """Ask, and again when the model says when; every question is an attempt of its own."""
    after = 0.0
    for tries_left in range(TRIES, -1, -1):
        answered = yield rung.ask(request, trail, after)
        assert isinstance(answered, Answered)
        wait = answered.retry_after
        if answered.reply is not None or wait is None or not tries_left:
            return answered
        left = rung.policy.budget.left(trail.spent)
        if left is not None and wait >= left:
            return answered
        trail.add(rung.failed(request, answered, Action.REVISE))
        after = wait
    raise AssertionError("the last try returns")


@dataclass(frozen=True, slots=True)
class _Examined:
    """An exchange, what was found in it, and whom it took to ask: the first one answered it."""

    exchange: Exchange
    examination: Examination
    asked: Sequence[tuple[Model, Answered]]

    @property
    def findings(self) -> Mapping[str, Finding]:
        return self.examination.findings

    @property
    def unexamined(self) -> tuple[Unexamined, ...]:
        return self.examination.unexamined

    @property
    def samples(self) -> tuple[Reply, ...]:
        """The further answers that the exchange carries; none when one of them failed."""
        replies = (answered.reply for _, answered in self.asked[1:])
        return tuple(r for r in replies if r is not None) if self.exchange.samples else ()

    def attempt(self, name: str, request: Request, verdict: Verdict, *, kept: bool) -> Attempt:
        """The attempt that this was, with all its costs; the samples came at the same time."""
        replies = [(model, a.reply) for model, a in self.asked if a.reply is not None]
        reply = self.asked[0][1].reply
        first, *others = (answered.seconds for _, answered in self.asked)
        return Attempt(
            name,
            request,
            verdict,
            verdict.action,
            kept=kept,
            seconds_asking=first + max(others, default=0.0),
            seconds_examining=self.examination.seconds,
            tokens_in=_sum([reply.tokens_in for _, reply in replies]),
            tokens_out=_sum([reply.tokens_out for _, reply in replies]),
            cost=_sum([model.cost(reply) for model, reply in replies]),
            output=None if reply is None else reply.output,
        )


def _examined(
    exchange: Exchange, reply: Reply, asked: Sequence[tuple[Model, Answered]]
) -> Generator[Step, Sent, _Examined]:
    examination = yield exchange
    assert isinstance(examination, Examination)
    declared = replace(examination, unexamined=examination.unexamined + reply.unexamined)
    return _Examined(exchange, declared, asked)


def _sampled(
    rung: _Rung, request: Request, trail: Trail, before: _Examined
) -> Generator[Step, Sent, _Examined]:
    """Examine again, with samples; when one does not come, nobody has examined these."""
    sampling, reply = rung.policy.sampling, before.asked[0][1].reply
    assert sampling is not None
    assert reply is not None
    left = rung.policy.budget.left(trail.spent)
    asks = sampling.asks(rung.model, Request(request.prompt, request.context), left)
    answers = yield Several(asks)
    assert isinstance(answers, tuple)
    asked = [*before.asked, *zip((ask.model for ask in asks), answers, strict=True)]
    replies = tuple(answer.reply for answer in answers if answer.reply is not None)
    if len(replies) < len(answers):
        reason = next(answer.error for answer in answers if answer.reply is None)
        missed = sampling.missed(before.examination, str(reason))
        return _Examined(before.exchange, missed, asked)
    after = yield from _examined(_exchange(request, reply, replies), reply, asked)
    seconds = _added(before.examination.seconds, after.examination.seconds)
    return replace(after, examination=replace(after.examination, seconds=seconds))


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
    policy = policy.sparing(exchange, findings, unexamined)
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


def _exchange(request: Request, reply: Reply, samples: Sequence[Reply]) -> Exchange:
    context = request.context if reply.context is None else reply.context
    rows = [sample.likelihoods for sample in samples]
    return Exchange(
        request.prompt,
        reply.text,
        context,
        tuple(sample.text for sample in samples),
        reply.likelihoods,
        reply.tokens,
        () if None in rows else tuple(row for row in rows if row is not None),
    )


def _sum(values: Sequence[N | None]) -> N | None:
    # One unknown makes the whole unknown: a sum of the rest would pass for a total.
    known = [value for value in values if value is not None]
    return sum(known[1:], known[0]) if known and len(known) == len(values) else None


def _added(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in {**one, **other}}
