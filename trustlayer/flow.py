"""The guided loop, without input or output: it says what it needs and is sent it.

`course` yields an `Ask` when a model is to be asked, `Several` when that can be done at the
same time, and an `Exchange` when one is to be examined; it is sent an `Answered`, a tuple of
them, or an `Examination`. The drivers in `verifier` do the waiting. What has happened so far
stands in the `Trail`, also when the loop is broken off.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from trustlayer.answers import Examined, added, exchange_of
from trustlayer.budget import Spent
from trustlayer.examination import Examination
from trustlayer.exchange import Exchange
from trustlayer.guidance import guide
from trustlayer.keeping import cut, doubtful, lost, spliced
from trustlayer.model import Ask, Model, Reply, Request
from trustlayer.outcome import Attempt, Verdict
from trustlayer.patience import TRIES
from trustlayer.policy import Action, Policy, Strategy
from trustlayer.thrift import Thrift
from trustlayer.trail import Answered, Course, Sent, Several, Step, Trail


@dataclass(frozen=True, slots=True)
class _Rung:
    """A model of the ladder and the one above it, under the rules of the run."""

    policy: Policy
    model: Model
    above: Model | None
    thrift: Thrift | None
    source: Model | None  # of further passages

    @property
    def last(self) -> bool:
        return self.above is None

    def ask(self, request: Request, trail: Trail, after: float = 0.0) -> Ask:
        return Ask(self.model, request, after, self.policy.budget.left(trail.spent))

    def failed(self, request: Request, answered: Answered, action: Action) -> Attempt:
        """An attempt without a usable answer; it may have cost something all the same."""
        reply = answered.reply
        return Attempt(
            self.model.name,
            request,
            None,
            action,
            error=answered.error,
            seconds_asking=answered.seconds,
            tokens_in=None if reply is None else reply.tokens_in,
            tokens_out=None if reply is None else reply.tokens_out,
            cost=None if reply is None else self.model.cost(reply),
        )

    def after_failure(self, trail: Trail, number: int, *, repair: bool) -> Action:
        """What follows on an answer that did not come, or on a repair that changed too much."""
        if repair and number < self.policy.revisions:
            return Action.REVISE
        return trail.ending(self.policy) if self.last else Action.ESCALATE

    def abstaining(self, verdict: Verdict) -> _Rung:
        """A rung that gives the answer of *verdict* without its doubtful sentences, for nothing."""

        def ask(request: Request) -> Reply:
            return Reply(cut(verdict, self.policy), tokens_in=0, tokens_out=0, cost=0.0)

        return replace(self, model=Model(Strategy.ABSTAIN.value, ask))

    def samples(self, examined: Examined, request: Request, trail: Trail) -> bool:
        """Whether further answers are worth their cost, and can be paid for."""
        exchange, examination = examined.exchange, examined.examination
        if not self.policy.wants_samples(exchange, examination.findings, examination.unexamined):
            return False
        verdict = judge(self.policy, exchange, examination, last=self.last)
        so_far = examined.attempt(self.model.name, request, verdict, kept=False)
        spent = Spent.on([*trail.attempts, so_far], trail.elapsed())
        return self.policy.budget.reached(spent) is None

    def weigh(self, verdict: Verdict, reply: Reply, best: Verdict) -> Verdict:
        """Ask the model above, too, where thrift finds that worth the price.

        *best* is the answer that would be handed out now.
        """
        if self.thrift is None:
            return verdict
        self.thrift.note(self.model.name, verdict.risk)
        if verdict.action is not Action.ACCEPT or self.above is None:
            return verdict
        cost = None if self.above.price is None else self.above.price.of(reply)
        worth = self.thrift.worth(best.risk, self.above.name, cost, self.policy.margin)
        return replace(verdict, action=Action.ESCALATE) if worth else verdict


def course(
    policy: Policy,
    models: Sequence[Model],
    request: Request,
    trail: Trail,
    thrift: Thrift | None = None,
    source: Model | None = None,
) -> Course:
    """Ask each model in turn until an answer is accepted or none is left.

    *source* is asked for further passages where a strategy wants them.
    """
    for model, above in zip(models, [*models[1:], None], strict=True):
        yield from _attempts(_Rung(policy, model, above, thrift, source), request, trail)
        if trail.attempts[-1].action is not Action.ESCALATE:
            break
        if trail.best is not None:  # the passages that a model found serve the next one too
            request = replace(request, context=trail.best.exchange.context)
    if thrift is not None:
        thrift.settle(trail.spent.money)


def _attempts(rung: _Rung, request: Request, trail: Trail) -> Course:
    """Ask, and have the answer bettered by one strategy after the other."""
    asked, repair = rung, False
    for number in range(rung.policy.revisions + 1):
        before = trail.best
        attempt = yield from _attempt(asked, request, trail, number, repair=repair)
        trail.add(attempt)
        if attempt.action is not Action.REVISE or trail.best is None:
            return
        strategy = rung.policy.strategy(number)
        repair = strategy is Strategy.REPAIR
        asked = rung.abstaining(trail.best) if strategy is Strategy.ABSTAIN else rung
        missing = _lost(rung.policy, number, before, attempt.verdict)
        request = guide(trail.best, rung.policy, strategy, missing)
        if strategy is Strategy.RETRIEVE:
            request = yield from _supplied(rung, request, trail, trail.best)


def _attempt(
    rung: _Rung, request: Request, trail: Trail, number: int, *, repair: bool = False
) -> Generator[Step, Sent, Attempt]:
    policy, model = rung.policy, rung.model
    if (reason := policy.budget.reached(trail.spent)) is not None:
        unasked = Answered(None, f"not asked: {reason}", 0.0)
        return rung.failed(request, unasked, trail.ending(policy))
    answered = yield from _answered(rung, request, trail)
    if repair and answered.reply is not None:
        answered = _repaired(rung, trail, answered, answered.reply)
    if answered.reply is None or answered.error is not None:
        return rung.failed(request, answered, rung.after_failure(trail, number, repair=repair))
    question = (model.name, Request(request.prompt, request.context))
    exchange = exchange_of(request, answered.reply, trail.samples.get(question, ()))
    examined = yield from _examined(exchange, answered.reply, [(model, answered)])
    if rung.samples(examined, request, trail):
        examined = yield from _sampled(rung, request, trail, examined)
        trail.samples[question] = examined.samples
    verdict = judge(policy, examined.exchange, examined.examination, attempt=number, last=rung.last)
    verdict, kept = _weighed(rung, trail, verdict, answered.reply, number)
    return examined.attempt(answered.reply.model or model.name, request, verdict, kept=kept)


def _supplied(
    rung: _Rung, request: Request, trail: Trail, best: Verdict
) -> Generator[Step, Sent, Request]:
    """The *request* with the passages that are found for it; without, where the search fails."""
    assert rung.source is not None
    in_doubt, _ = doubtful(best, rung.policy)
    texts = [span.of(best.exchange.answer) for span in in_doubt]
    search = Request("\n".join([request.prompt, *texts]))
    answered = yield Ask(rung.source, search, patience=rung.policy.budget.left(trail.spent))
    assert isinstance(answered, Answered)
    if answered.reply is None:
        trail.add(replace(rung, model=rung.source).failed(search, answered, Action.REVISE))
        return request
    fresh = [text for text in answered.reply.context or () if text not in request.context]
    return replace(request, context=(*request.context, *fresh))


def _weighed(
    rung: _Rung, trail: Trail, verdict: Verdict, reply: Reply, number: int
) -> tuple[Verdict, bool]:
    """What follows from *verdict* beside the earlier ones, and whether its answer is kept."""
    missing = _lost(rung.policy, number, trail.best, verdict)
    kept = _kept(rung.policy, trail, verdict, number, missing)
    if verdict.action is Action.ACCEPT:
        trail.sound = verdict
        if missing and number < rung.policy.revisions:  # acceptable, but less than it could be
            verdict = replace(verdict, action=Action.REVISE)
    best = verdict if kept or trail.best is None else trail.best
    verdict = rung.weigh(verdict, reply, best)
    if verdict.action.final and trail.sound is not None:  # an earlier answer will do
        verdict = replace(verdict, action=Action.ACCEPT)
    return verdict, kept


def _kept(
    policy: Policy, trail: Trail, verdict: Verdict, number: int, missing: Sequence[str]
) -> bool:
    """Whether an answer takes the place of the one that would have been handed out.

    The first acceptable one does, and one that was asked for because it lacked something;
    another model's has to be better by more than noise: an acceptable answer is not exchanged
    for one that is perhaps worse.
    """
    if verdict.action is not Action.ACCEPT:
        return trail.improves(verdict) and not missing
    again = number > 0 and trail.newest_kept
    return trail.sound is None or again or trail.improves(verdict, policy.margin)


def _lost(policy: Policy, number: int, before: Verdict | None, after: Verdict | None) -> list[str]:
    """The sentences that passed before and that a revision lost or broke."""
    if number == 0 or before is None or after is None:
        return []  # no revision
    return [] if policy.strategy(number - 1) is Strategy.RETRY else lost(before, after, policy)


def _repaired(rung: _Rung, trail: Trail, answered: Answered, reply: Reply) -> Answered:
    """The answer whose doubtful sentences *reply* rewrites."""
    assert trail.best is not None
    try:
        text = spliced(trail.best, rung.policy, reply.text)
    except ValueError as error:
        return replace(answered, error=f"ValueError: {error}")
    return replace(answered, reply=replace(reply, text=text))


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


def _examined(
    exchange: Exchange, reply: Reply, asked: Sequence[tuple[Model, Answered]]
) -> Generator[Step, Sent, Examined]:
    examination = yield exchange
    assert isinstance(examination, Examination)
    declared = replace(examination, unexamined=examination.unexamined + reply.unexamined)
    return Examined(exchange, declared, asked)


def _sampled(
    rung: _Rung, request: Request, trail: Trail, before: Examined
) -> Generator[Step, Sent, Examined]:
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
        return Examined(before.exchange, missed, asked)
    after = yield from _examined(exchange_of(request, reply, replies), reply, asked)
    seconds = added(before.examination.seconds, after.examination.seconds)
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
