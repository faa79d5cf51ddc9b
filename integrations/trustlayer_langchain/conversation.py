"""One conversation that a chat model is to answer: who is asked, and how the replies are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import RunnableConfig

from trustlayer import Model, Price, Reply, Request
from trustlayer.model import Askable
from trustlayer_langchain.inputs import question_of, tool_results
from trustlayer_langchain.models import name_of, reply_of
from trustlayer_langchain.passages import texts_of
from trustlayer_langchain.quiet import heard_by
from trustlayer_langchain.witness import Witness

First = Reply | Exception  # what came of asking the first model once


@dataclass(slots=True)
class Conversation:
    """*config* is quiet: no draft reaches a stream; *options* go to each call of a chat model."""

    messages: Sequence[BaseMessage]
    config: RunnableConfig
    options: Mapping[str, Any]
    tools: bool
    prices: Mapping[str, Price]
    errors: list[Exception] = field(default_factory=list[Exception])

    def asked(self, found: object = None) -> Request:
        """The question, and the passages *found*, else what tools have answered."""
        passages = tool_results(self.messages) if found is None else texts_of(found)
        return Request(question_of(self.messages), passages)

    def ask(self, model: BaseChatModel, advice: str = "") -> First:
        witness = Witness()
        try:
            config = heard_by(self.config, witness)
            message = model.invoke(self._messages(advice), config, **self.options)
        except Exception as error:
            return self._failed(error)
        return self._reply(message, witness)

    async def aask(self, model: BaseChatModel, advice: str = "") -> First:
        witness = Witness()
        try:
            config = heard_by(self.config, witness)
            message = await model.ainvoke(self._messages(advice), config, **self.options)
        except Exception as error:
            return self._failed(error)
        return self._reply(message, witness)

    def ladder(
        self, first: First, chats: Sequence[BaseChatModel | Model], own: Sequence[Askable]
    ) -> list[Model]:
        """The models to ask: of the first of *chats* the answer is there already."""
        waiting = [first]

        def asking(model: BaseChatModel) -> Callable[[Request], Reply]:
            def ask(request: Request) -> Reply:
                return _raised(waiting.pop() if waiting else self.ask(model, request.advice))

            return ask

        return _rungs(chats, asking, own)

    def aladder(
        self, first: First, chats: Sequence[BaseChatModel | Model], own: Sequence[Askable]
    ) -> list[Model]:
        """Do what `ladder` does, awaited."""
        waiting = [first]

        def asking(model: BaseChatModel) -> Any:
            async def ask(request: Request) -> Reply:
                return _raised(waiting.pop() if waiting else await self.aask(model, request.advice))

            return ask

        return _rungs(chats, asking, own)

    def _messages(self, advice: str) -> list[BaseMessage]:
        return [*self.messages, *([HumanMessage(advice)] if advice else [])]

    def _failed(self, error: Exception) -> Exception:
        self.errors.append(error)
        return error

    def _reply(self, message: AIMessage, witness: Witness) -> Reply:
        reply = reply_of(message, witness, tools=self.tools)
        return replace(reply, context=None, cost=witness.cost(self.prices))


def step_of(first: First, *, tools: bool) -> AIMessage | None:
    """The message of *first* if it calls tools, rather than answers, and these are not text."""
    message = first.output if isinstance(first, Reply) else None
    calls = isinstance(message, AIMessage) and bool(message.tool_calls) and not tools
    return message if calls and isinstance(message, AIMessage) else None


def silent(message: AIMessage) -> AIMessage:
    """*message* without its text."""
    content = message.content
    blocks = [] if isinstance(content, str) else [b for b in content if not _is_text(b)]
    return message.model_copy(update={"content": blocks or ""})


def _rungs(
    chats: Sequence[BaseChatModel | Model],
    asking: Callable[[BaseChatModel], Any],
    own: Sequence[Askable],
) -> list[Model]:
    rungs = [m if isinstance(m, Model) else Model(name_of(m), asking(m)) for m in chats]
    return [*rungs, *(m if isinstance(m, Model) else Model.of(m) for m in own)]


def _raised(first: First) -> Reply:
    if isinstance(first, Exception):
        raise first
    return first


def _is_text(block: Any) -> bool:
    return isinstance(block, str) or block.get("type") == "text"
