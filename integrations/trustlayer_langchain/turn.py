"""One turn of an agent's model: a step goes on, an answer is asked for until it is accepted."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import uuid4

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.runnables.config import set_config_context
from langchain_core.runnables.utils import coro_with_context

from trustlayer import Action, Exchange, Model, Outcome, Price, Reply, Request, Verdict, Verifier
from trustlayer.model import Askable
from trustlayer_langchain.inputs import question_of, tool_results
from trustlayer_langchain.models import name_of, reply_of
from trustlayer_langchain.passages import texts_of
from trustlayer_langchain.quiet import heard_by, quiet
from trustlayer_langchain.witness import Witness

Response = ModelResponse[Any]
Call = Callable[[ModelRequest[Any]], Response]
AwaitedCall = Callable[[ModelRequest[Any]], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Failed:
    """The first call of the model raised *error*."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Answered:
    """What a call of the model gave, and what was seen of it."""

    response: Response
    witness: Witness

    @property
    def message(self) -> AIMessage | None:
        """The model's own message."""
        found = [m for m in self.response.result if isinstance(m, AIMessage)]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Step:
    """A message that calls tools; *exchange* is the text beside the calls, if there is any."""

    message: AIMessage
    whole: Response
    exchange: Exchange | None

    def response(self, verdict: Verdict | None) -> Response:
        """The step as it goes on: without its text, if that is not accepted."""
        if verdict is None or verdict.action is Action.ACCEPT:
            return self.whole
        content = self.message.content
        blocks = [] if isinstance(content, str) else [b for b in content if not _is_text(b)]
        silent = self.message.model_copy(update={"content": blocks or ""})
        result = [silent if m is self.message else m for m in self.whole.result]
        return ModelResponse(result, self.whole.structured_response)


@dataclass(slots=True)
class Turn:
    """*config* is quiet: no draft reaches a stream."""

    request: ModelRequest[Any]
    asked: Request
    fallbacks: Sequence[BaseChatModel | Model]
    prices: Mapping[str, Price]
    config: RunnableConfig
    errors: list[Exception] = field(default_factory=list[Exception])

    @classmethod
    def of(
        cls,
        request: ModelRequest[Any],
        found: object,
        fallbacks: Sequence[BaseChatModel | Model],
        prices: Mapping[str, Price],
    ) -> Turn:
        passages = texts_of(found) if found is not None else tool_results(request.messages)
        asked = Request(question_of(request.messages), passages)
        return cls(request, asked, fallbacks, prices, quiet(ensure_config()))

    @property
    def correlation(self) -> dict[str, str]:
        thread = (self.config.get("configurable") or {}).get("thread_id")
        return {} if thread is None else {"thread_id": str(thread)}

    def step(self, first: Answered) -> Step | None:
        """The message of *first* if it calls tools rather than answers."""
        message = first.message
        if message is None or not message.tool_calls:
            return None
        if first.response.structured_response is not None:
            return None
        text = str(message.text)
        exchange = Exchange(self.asked.prompt, text, self.asked.context) if text.strip() else None
        return Step(message, first.response, exchange)

    def first(self, handler: Call) -> Answered | Failed:
        try:
            return self._call(handler, self.request)
        except Exception as error:
            return Failed(error)

    async def afirst(self, handler: AwaitedCall) -> Answered | Failed:
        try:
            return await self._acall(handler, self.request)
        except Exception as error:
            return Failed(error)

    async def averify(self, verifier: Verifier, exchange: Exchange) -> Verdict:
        return await to_thread(verifier.verify, exchange)

    def ladder(
        self, first: Answered | Failed, handler: Call, others: Sequence[Askable]
    ) -> list[Model]:
        """The agent's model, whose first answer is there already, then the stronger ones."""
        waiting = [first]

        def asking(model: BaseChatModel) -> Callable[[Request], Reply]:
            def ask(request: Request) -> Reply:
                answered = waiting.pop() if waiting else None
                return self._reply(answered or self._try(handler, model, request))

            return ask

        return self._models(asking, others)

    def aladder(
        self, first: Answered | Failed, handler: AwaitedCall, others: Sequence[Askable]
    ) -> list[Model]:
        """Do what `ladder` does, awaited."""
        waiting = [first]

        def asking(model: BaseChatModel) -> Any:
            async def ask(request: Request) -> Reply:
                answered = waiting.pop() if waiting else None
                return self._reply(answered or await self._atry(handler, model, request))

            return ask

        return self._models(asking, others)

    def accepted(self, outcome: Outcome, trust: Mapping[str, Any]) -> Response:
        """The accepted response, its message telling what the examination came to."""
        attempt = next(a for a in outcome.attempts if a.verdict is outcome.best)
        response = cast("Response | None", attempt.output)
        if not isinstance(response, ModelResponse):  # but of a model of the verifier's own
            return self.refused(str(outcome.answer), trust)
        result = [_told(message, trust) for message in response.result]
        return ModelResponse(result, response.structured_response)

    def refused(self, text: str, trust: Mapping[str, Any]) -> Response:
        """*text* in the place of an answer, under an id of its own."""
        own = AIMessage(text, id=str(uuid4()), response_metadata={"trust": trust})
        return ModelResponse([own])

    def _models(
        self, asking: Callable[[BaseChatModel], Any], others: Sequence[Askable]
    ) -> list[Model]:
        chats = [self.request.model, *self.fallbacks]
        rungs = [m if isinstance(m, Model) else Model(name_of(m), asking(m)) for m in chats]
        return [*rungs, *(m if isinstance(m, Model) else Model.of(m) for m in others)]

    def _try(self, handler: Call, model: BaseChatModel, request: Request) -> Answered | Failed:
        try:
            return self._call(handler, self._advised(model, request))
        except Exception as error:
            return Failed(error)

    async def _atry(
        self, handler: AwaitedCall, model: BaseChatModel, request: Request
    ) -> Answered | Failed:
        try:
            return await self._acall(handler, self._advised(model, request))
        except Exception as error:
            return Failed(error)

    def _advised(self, model: BaseChatModel, request: Request) -> ModelRequest[Any]:
        advice = [HumanMessage(request.advice)] if request.advice else []
        return self.request.override(model=model, messages=[*self.request.messages, *advice])

    def _call(self, handler: Call, request: ModelRequest[Any]) -> Answered:
        witness = Witness()
        with set_config_context(heard_by(self.config, witness)) as context:
            return Answered(context.run(handler, request), witness)

    async def _acall(self, handler: AwaitedCall, request: ModelRequest[Any]) -> Answered:
        witness = Witness()
        with set_config_context(heard_by(self.config, witness)) as context:
            return Answered(await coro_with_context(handler(request), context), witness)

    def _reply(self, answered: Answered | Failed) -> Reply:
        if isinstance(answered, Failed):
            self.errors.append(answered.error)
            raise answered.error
        response, witness = answered.response, answered.witness
        structured = response.structured_response
        part = answered.message if structured is None else structured
        reply = reply_of(response, witness, part="" if part is None else part)
        return replace(reply, context=None, cost=witness.cost(self.prices))


def _is_text(block: Any) -> bool:
    return isinstance(block, str) or block.get("type") == "text"


def _told(message: BaseMessage, trust: Mapping[str, Any]) -> BaseMessage:
    if not isinstance(message, AIMessage):
        return message
    told = {**message.response_metadata, "trust": trust}
    return message.model_copy(update={"response_metadata": told})
