"""Who is asked, what they are asked, and what comes back."""

from __future__ import annotations

import inspect
from asyncio import to_thread
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from trustlayer.exchange import Token
from trustlayer.finding import Unexamined


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked: the prompt, its passages and, when it errs, what was wrong.

    *advice* is empty for a first answer; *draft* is the answer that it speaks of. *prefix* is
    the beginning of an answer that the reader has already: what is asked for is the rest. A
    model that can be given the beginning of its answer should be given it instead of *advice*.
    """

    prompt: str
    context: tuple[str, ...] = ()
    draft: str = ""
    advice: str = ""
    prefix: str = ""

    @property
    def question(self) -> str:
        """The prompt and the advice, for a model that is given its passages otherwise."""
        return "\n\n".join(filter(None, [self.prompt, self.advice]))

    @property
    def text(self) -> str:
        """Everything in one text, for a model that takes nothing else."""
        if not self.context:
            return self.question
        passages = "\n\n".join(f"[{n}] {text}" for n, text in enumerate(self.context, 1))
        return f"{self.question}\n\nPassages:\n\n{passages}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered and what is known of how.

    *context* are the passages that the model found for itself; None means those of the
    request. *cost* is in the currency of the prices; None means unknown. *model* is the name
    that the service gave, where it says more than the `Model`'s own. *unexamined* declares
    what came along and no detector can see: an image, a call of a tool. *output* is what the
    text was taken from; it is handed back with the outcome and never recorded. *tokens* say
    more than *logprobs*, and stand in for them.
    """

    text: str
    context: tuple[str, ...] | None = None
    logprobs: tuple[float, ...] | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None
    model: str | None = None
    unexamined: tuple[Unexamined, ...] = ()
    tokens: tuple[Token, ...] = ()
    output: object = field(default=None, repr=False, compare=False)

    @property
    def likelihoods(self) -> tuple[float, ...] | None:
        """The log-probabilities of its tokens, however they were given."""
        if self.logprobs is not None or not self.tokens:
            return self.logprobs
        return tuple(token.logprob for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a million tokens, read and written."""

    tokens_in: float
    tokens_out: float

    def of(self, reply: Reply) -> float | None:
        """What *reply* cost, or None when its tokens were not counted."""
        if reply.tokens_in is None or reply.tokens_out is None:
            return None
        return (self.tokens_in * reply.tokens_in + self.tokens_out * reply.tokens_out) / 1e6


Answer = str | Reply
Chunks = Iterable[Answer] | AsyncIterable[Answer]


@dataclass(frozen=True, slots=True)
class Model:
    """A model under the name by which the audit store knows it.

    *ask* may be a function or a coroutine function; the latter needs `Verifier.arun`. *stream*
    gives an answer in chunks, synchronous or not, for `Verifier.stream` and `astream`; a `Reply`
    among them tells the passages that were found, before the text, or the tokens, after it; its
    own text does not count. Without *stream* the answer comes in one piece.
    """

    name: str
    ask: Callable[[Request], Answer | Awaitable[Answer]] = field(repr=False)
    price: Price | None = None
    stream: Callable[[Request], Chunks] | None = field(default=None, repr=False)

    def cost(self, reply: Reply) -> float | None:
        """What *reply* cost, by its own word or by the price; None when nobody knows."""
        if reply.cost is not None or self.price is None:
            return reply.cost
        return self.price.of(reply)

    @classmethod
    def of(
        cls,
        function: Callable[[str], Answer | Awaitable[Answer]],
        name: str | None = None,
        price: Price | None = None,
    ) -> Model:
        """Make a model of a *function* from text to text, sync or async."""
        called = str(name or getattr(function, "__name__", type(function).__name__))
        return cls(called, lambda request: function(request.text), price)


def source_of(retrieve: Callable[[str], Iterable[str]] | None) -> Model | None:
    """What is asked like a model, and replies with passages that *retrieve* finds."""
    if retrieve is None:
        return None
    return Model("retrieve", lambda request: Reply("", context=tuple(retrieve(request.prompt))))


Askable = Model | Callable[[str], Answer | Awaitable[Answer]]


def ladder_of(models: Sequence[Askable]) -> list[Model]:
    """The *models*, plain functions made into such; raises ValueError when there is none."""
    if not models:
        error = ValueError("there is no model to ask")
        error.add_note("give the Verifier models=[...], or verify a given answer with verify()")
        raise error
    return [model if isinstance(model, Model) else Model.of(model) for model in models]


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to one model: what the loop waits for.

    It is to be put *after* so many seconds, and the answer waited for *patience* seconds.
    """

    model: Model
    request: Request
    after: float = 0.0
    patience: float | None = None

    def answer(self) -> Reply:
        """Ask and wait; raises TypeError for a model that can only be awaited."""
        answer = self._call()
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            error = TypeError(f"the model {self.model.name!r} is asynchronous")
            error.add_note("await verifier.arun(...) in place of verifier.run(...)")
            raise error
        return self._reply(answer)

    async def aanswer(self) -> Reply:
        """Ask without blocking the event loop, whichever kind the model is."""
        if inspect.iscoroutinefunction(self.model.ask):
            return self._reply(await self.model.ask(self.request))
        answer = await to_thread(self._call)
        return self._reply(await answer if inspect.isawaitable(answer) else answer)

    def _call(self) -> Answer | Awaitable[Answer]:
        try:
            return self.model.ask(self.request)
        except StopIteration as error:  # may not cross a thread boundary: it would hang the loop
            raise RuntimeError("the model raised StopIteration") from error

    def _reply(self, answer: object) -> Reply:
        reply = Reply(answer) if isinstance(answer, str) else answer
        if not isinstance(reply, Reply):
            found = type(answer).__name__
            raise TypeError(f"{self.model.name!r} must answer with a str or a Reply, got {found}")
        return reply
