"""The guided loop for streamed answers, without input or output.

`streaming` yields a `Next` for the next piece of an answer, an `Exchange` for the examination
of what it begins with, a `Release` of text that has passed, and a `Stop` for an answer that is
not wanted any more. It is sent a `Piece`, an `Examination`, or nothing.

What is examined is always the whole beginning of the answer, up to and with the newest
sentence, under the limit for whole answers: a limit that is right for one sentence would stop
most long clean answers somewhere.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

from trustlayer.answers import costs, exchange_of
from trustlayer.examination import Examination
from trustlayer.exchange import Exchange
from trustlayer.flow import judge
from trustlayer.guidance import go_on, guide
from trustlayer.model import Ask, Model, Reply, Request
from trustlayer.outcome import Attempt, Verdict
from trustlayer.patience import TRIES
from trustlayer.policy import Action, Policy
from trustlayer.segments import Continuation, Segments
from trustlayer.trail import Answered, Several, Trail


@dataclass(frozen=True, slots=True)
class Next:
    """The next piece of the answer to *ask* is wanted; the first one opens the stream."""

    ask: Ask


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of an answer; None at its end, where *reply* may tell what it took, or *error* why."""

    text: str | None = None
    reply: Reply | None = None
    error: str | None = None
    seconds: float = 0.0
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """Text for the reader; before the *last* the outcome has to be durable."""

    text: str
    last: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """The present answer is not wanted any more."""


StreamStep = Next | Exchange | Several | Release | Stop
StreamSent = Piece | Examination | tuple[Answered, ...] | None
Streaming = Generator[StreamStep, StreamSent, None]


@dataclass(slots=True)
class _Text:
    """What has passed, of which the reader has the first *released* characters."""

    hold: int
    passed: str = ""
    released: int = 0
    verdict: Verdict | None = None  # on what has passed

    def add(self, sentence: str, verdict: Verdict) -> None:
        self.passed += sentence
        self.verdict = verdict

    def due(self, *, last: bool = False) -> Release | None:
        """What the reader may have now."""
        if len(self.passed) < self.hold and not last:
            return None
        text, self.released = self.passed[self.released :], len(self.passed)
        return Release(text, last) if text or last else None

    def restart(self) -> bool:
        """Begin anew where the reader has nothing yet; whether that could be done."""
        if self.released == 0:
            self.passed, self.verdict = "", None
        return self.released == 0


@dataclass(slots=True)
class _Draft:
    """One attempt under way."""

    model: Model
    request: Request
    last_rung: bool
    number: int
    seconds: float = 0.0
    examining: dict[str, float] = field(default_factory=dict[str, float])
    reply: Reply | None = None
    verdict: Verdict | None = None
    context: tuple[str, ...] | None = None  # the passages that the model found for itself
    sampled: list[tuple[Model, Answered]] = field(default_factory=list[tuple[Model, Answered]])

    @property
    def question(self) -> tuple[str, Request]:
        """Under which its samples are remembered: they answer the prompt from its beginning."""
        return self.model.name, Request(self.request.prompt, self.request.context)

    def hear(self, piece: Piece) -> None:
        """Take in what *piece* tells besides its text."""
        self.seconds += piece.seconds
        self.reply = piece.reply or self.reply
        if piece.reply is not None and piece.reply.context is not None:
            self.context = piece.reply.context

    def exchange(self, answer: str, samples: Sequence[Reply] = ()) -> Exchange:
        return exchange_of(self.request, Reply(answer, context=self.context), samples)

    def note(self, found: Examination) -> None:
        for name, seconds in found.seconds.items():
            self.examining[name] = self.examining.get(name, 0.0) + seconds

    def attempt(self, action: Action, error: str | None = None, *, kept: bool = False) -> Attempt:
        verdict = None if self.verdict is None else replace(self.verdict, action=action)
        reply = self.reply
        samples = [(model, a.reply) for model, a in self.sampled if a.reply is not None]
        spent = costs([(self.model, reply), *samples])
        return Attempt(
            self.model.name if reply is None else reply.model or self.model.name,
            self.request,
            verdict,
            action,
            kept=kept,
            error=error,
            seconds_asking=self.seconds + max((a.seconds for _, a in self.sampled), default=0.0),
            seconds_examining=self.examining,
            tokens_in=spent.tokens_in,
            tokens_out=spent.tokens_out,
            cost=spent.money,
        )


def streaming(
    policy: Policy, models: Sequence[Model], request: Request, trail: Trail, hold: int = 0
) -> Streaming:
    """Ask each model in turn, each for what the reader does not have yet."""
    text = _Text(hold)
    for rung, model in enumerate(models):
        last = rung == len(models) - 1
        for number in range(policy.revisions + 1):
            draft = _Draft(model, _rest(request, text, trail, policy), last, number)
            yield from _attempt(draft, policy, trail, text)
            if trail.attempts[-1].action is not Action.REVISE:
                break
        if trail.attempts[-1].action is not Action.ESCALATE:
            break
    if trail.action is Action.ACCEPT and (rest := text.due(last=True)) is not None:
        yield rest


def _rest(request: Request, text: _Text, trail: Trail, policy: Policy) -> Request:
    """What to ask for: all of the answer, a better one, or the rest of it."""
    failed = trail.attempts[-1].verdict if trail.attempts else None
    if text.restart():
        revise = failed is not None and trail.attempts[-1].action is Action.REVISE
        return guide(failed, policy) if failed is not None and revise else request
    return go_on(request, text.passed, failed, policy)


def _attempt(draft: _Draft, policy: Policy, trail: Trail, text: _Text) -> Streaming:
    if (reason := policy.budget.reached(trail.spent)) is not None:
        trail.add(draft.attempt(trail.ending(policy), f"not asked: {reason}"))
        return
    try:
        yield from _pieces(draft, policy, trail, text)
    except GeneratorExit:  # nobody reads on
        trail.add(draft.attempt(Action.REFUSE, "broken off"))
        raise


def _pieces(draft: _Draft, policy: Policy, trail: Trail, text: _Text) -> Streaming:
    """Let the answer through, sentence by sentence, up to its end or its first fault."""
    segments, continuation = Segments(), Continuation(text.passed)
    while True:
        piece = yield from _next(draft, policy, trail)
        if piece.error is not None:
            yield Stop()
            action = trail.ending(policy) if draft.last_rung else Action.ESCALATE
            trail.add(draft.attempt(action, piece.error))
            return
        ended = piece.text is None
        fresh = continuation.flush() if piece.text is None else continuation.feed(piece.text)
        sentences = segments.feed(fresh) + (segments.flush() if ended else [])
        if ended and not sentences and text.verdict is None:
            sentences = [""]  # an empty answer is an answer, too
        for sentence in sentences:
            passed = yield from _passes(draft, policy, trail, text, sentence)
            if not passed:
                yield Stop()
                trail.add(_stopped(draft, policy, trail, text))
                return
            if not (ended and sentence is sentences[-1]) and (due := text.due()) is not None:
                yield due
        if ended:
            draft.verdict = text.verdict
            trail.add(draft.attempt(Action.ACCEPT, kept=True))
            return


def _next(draft: _Draft, policy: Policy, trail: Trail) -> Generator[StreamStep, StreamSent, Piece]:
    """The next piece; a model that is asked too often is asked again when it says."""
    after = 0.0
    for tries_left in range(TRIES, -1, -1):
        left = policy.budget.left(trail.spent)
        if left == 0.0:
            return Piece(error="no time was left for the rest of the answer")
        piece = yield Next(Ask(draft.model, draft.request, after, left))
        assert isinstance(piece, Piece)
        draft.hear(piece)
        wait = piece.retry_after
        if wait is None or not tries_left or (left is not None and wait >= left):
            return piece
        yield Stop()
        trail.add(draft.attempt(Action.REVISE, piece.error))
        after = wait
    raise AssertionError("the last try returns")


def _passes(
    draft: _Draft, policy: Policy, trail: Trail, text: _Text, sentence: str
) -> Generator[StreamStep, StreamSent, bool]:
    samples = trail.samples.get(draft.question, ())
    exchange = draft.exchange(text.passed + sentence, samples)
    found = yield exchange
    assert isinstance(found, Examination)
    draft.note(found)
    if _wants_samples(draft, policy, trail, exchange, found):
        exchange, found = yield from _with_samples(draft, policy, trail, exchange, found)
    draft.verdict = judge(policy, exchange, found, attempt=draft.number, last=draft.last_rung)
    if draft.verdict.action is Action.ACCEPT:
        text.add(sentence, draft.verdict)
        return True
    return False


def _wants_samples(
    draft: _Draft, policy: Policy, trail: Trail, exchange: Exchange, found: Examination
) -> bool:
    """Whether further answers are worth their cost, can be paid for, and were not asked for yet."""
    wanted = policy.wants_samples(exchange, found.findings, found.unexamined)
    return wanted and not draft.sampled and policy.budget.reached(trail.spent) is None


def _with_samples(
    draft: _Draft, policy: Policy, trail: Trail, exchange: Exchange, found: Examination
) -> Generator[StreamStep, StreamSent, tuple[Exchange, Examination]]:
    """The beginning examined beside whole further answers; they serve all that follow, too."""
    sampling = policy.sampling
    assert sampling is not None
    name, question = draft.question
    asks = sampling.asks(draft.model, question, policy.budget.left(trail.spent))
    answers = yield Several(asks)
    assert isinstance(answers, tuple)
    draft.sampled += zip((ask.model for ask in asks), answers, strict=True)
    replies = tuple(answer.reply for answer in answers if answer.reply is not None)
    if len(replies) < len(answers):
        reason = next(answer.error for answer in answers if answer.reply is None)
        return exchange, sampling.missed(found, str(reason))
    trail.samples[name, question] = replies
    exchange = draft.exchange(exchange.answer, replies)
    after = yield exchange
    assert isinstance(after, Examination)
    draft.note(after)
    return exchange, after


def _stopped(draft: _Draft, policy: Policy, trail: Trail, text: _Text) -> Attempt:
    """The attempt whose newest sentence did not pass."""
    verdict = draft.verdict
    assert verdict is not None
    what = f"stopped; {text.released} characters had been handed out"
    return draft.attempt(verdict.action, what, kept=trail.improves(verdict))
