"""`TrustedChatModel`: wherever LangChain expects a chat model, one whose answers are examined."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar, cast

from langchain_core.caches import BaseCache
from langchain_core.callbacks import (
    AsyncCallbackManager,
    AsyncCallbackManagerForLLMRun,
    CallbackManager,
    CallbackManagerForLLMRun,
)
from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.base import LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableConfig, ensure_config
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.config import set_config_context
from langchain_core.runnables.utils import coro_with_context
from pydantic import ConfigDict, Field, GetPydanticSchema
from pydantic_core import core_schema

from trustlayer import Action, Exchange, Model, Outcome, Price, Request, Verdict, Verifier
from trustlayer_langchain.answers import Answer, Refusal, refusal_text
from trustlayer_langchain.chunks import atold, chunk_of, generation_of, told
from trustlayer_langchain.conversation import Conversation, silent, step_of
from trustlayer_langchain.passages import source
from trustlayer_langchain.quiet import quiet
from trustlayer_langchain.structured import structured
from trustlayer_langchain.trusted import EVENT

T = TypeVar("T")
# Taken as it is: pydantic would look into our dataclasses, and copy them.
AsItIs = Annotated[T, GetPydanticSchema(lambda source, _: core_schema.is_instance_schema(source))]


class TrustedChatModel(BaseChatModel):
    """Asks *model*, and has the *verifier* examine what it answers before anybody sees it.

    Rejected answers are revised, then the *fallbacks* are asked, with the same tools bound,
    then the verifier's own models. Answers have to rest on what tools have answered in the
    conversation, or on what *context* finds: a retriever, or a Runnable or function of the
    messages. Calls of tools go on as they are, the text beside them only if it is accepted;
    with *tools* their arguments are examined like text. What comes out is a plain message
    whose ``response_metadata["trust"]`` tells what the examination came to; where that says
    that nothing was accepted, its text is what *refusal* says. A stream is one chunk: the
    accepted answer. *prices* are by the model names that the services give. Any further
    parameter, like ``temperature``, goes to the models with each call.
    """

    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True)

    model: AsItIs[BaseChatModel]
    verifier: AsItIs[Verifier]
    fallbacks: tuple[AsItIs[BaseChatModel] | AsItIs[Model], ...] = ()
    context: Any = None
    tools: bool = False
    prices: Mapping[str, AsItIs[Price]] = Field(default_factory=dict[str, Price])
    refusal: Callable[[Outcome], str] = refusal_text
    # An answer out of a cache would be in no audit store.
    cache: BaseCache | bool | None = Field(default=False, exclude=True)

    @property
    def _llm_type(self) -> str:
        return f"trusted-{self.model._llm_type}"  # pyright: ignore[reportPrivateUsage]

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        own = {"detectors": [d.name for d in self.verifier.detectors], **(self.model_extra or {})}
        return {**self.model._identifying_params, **own}  # pyright: ignore[reportPrivateUsage]

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        options = {**(self.model_extra or {}), **kwargs}
        stop = stop or options.pop("stop", None)
        return self.model._get_ls_params(stop, **options)  # pyright: ignore[reportPrivateUsage]

    def _resolve_model_profile(self) -> Any:
        return getattr(self.model, "profile", None)  # older releases have none

    def get_token_ids(self, text: str) -> list[int]:
        return self.model.get_token_ids(text)

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Bind what the model's own `bind_tools` binds."""
        bound = self.model.bind_tools(tools, tool_choice=tool_choice, **kwargs)
        if isinstance(bound, RunnableBindingBase):
            return self.bind(**bound.kwargs)
        return self.model_copy(update={"model": bound})

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Give what the model's own method gives, once its values have been accepted.

        Raises `Refused` where none was, or tells of it as the ``parsing_error`` beside the raw
        message.
        """
        extra = self.model_extra or {}
        chats = [m for m in (self.model, *self.fallbacks) if isinstance(m, BaseChatModel)]
        chains = [m.with_structured_output(schema, include_raw=True, **kwargs) for m in chats]
        bound = [cast("Any", chain.bind(**extra) if extra else chain) for chain in chains]
        return structured(
            bound[0],
            self.verifier,
            fallbacks=bound[1:],
            context=self.context,
            prices=self.prices,
            refusal=self.refusal,
            include_raw=include_raw,
        )

    # LangChain mostly tells `_stream` nothing of the run that it is part of: streams go by
    # `invoke`, but for those of its third protocol.

    def stream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        """Yield the accepted answer, or the refusal: one chunk."""
        yield chunk_of(self.invoke(input, config, **_streamed(kwargs)))

    async def astream(
        self, input: LanguageModelInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        """Do what `stream` does, awaited."""
        yield chunk_of(await self.ainvoke(input, config, **_streamed(kwargs)))

    def _should_stream(self, **kwargs: Any) -> bool:
        return False

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield generation_of(self._generate(messages, stop, run_manager, **kwargs))

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        yield generation_of(await self._agenerate(messages, stop, run_manager, **kwargs))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        config = _calm(CallbackManager, run_manager)
        talk = self._conversation(messages, config, stop, kwargs)
        first = talk.ask(self.model)
        if (step := step_of(first, tools=self.tools)) is not None:
            exchange = _beside(talk, step)
            verdict = self.verifier.verify(exchange) if exchange else None
            return told(_stepping(step, verdict), run_manager, kwargs)
        found = self.context and source(self.context, None).invoke(messages, config)
        ladder = talk.ladder(first, (self.model, *self.fallbacks), self.verifier.models)
        with set_config_context(config) as context:
            [outcome] = context.run(
                self.verifier.run_all, *_called(talk, found, run_manager), ladders=[ladder]
            )
        message = self._settled(talk, outcome)
        if run_manager is not None:
            dispatch_custom_event(EVENT, dict(message.trust), config=_own(config, run_manager))
        return told(message.plain(), run_manager, kwargs)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        config = _calm(AsyncCallbackManager, run_manager)
        talk = self._conversation(messages, config, stop, kwargs)
        first = await talk.aask(self.model)
        if (step := step_of(first, tools=self.tools)) is not None:
            exchange = _beside(talk, step)
            verdict = await to_thread(self.verifier.verify, exchange) if exchange else None
            return await atold(_stepping(step, verdict), run_manager, kwargs)
        found = self.context and await source(self.context, None).ainvoke(messages, config)
        ladder = talk.aladder(first, (self.model, *self.fallbacks), self.verifier.models)
        with set_config_context(config) as context:
            run = self.verifier.arun_all(*_called(talk, found, run_manager), ladders=[ladder])
            [outcome] = await coro_with_context(run, context)
        message = self._settled(talk, outcome)
        if run_manager is not None:
            own = _own(config, run_manager)
            await adispatch_custom_event(EVENT, dict(message.trust), config=own)
        return await atold(message.plain(), run_manager, kwargs)

    def _conversation(
        self,
        messages: list[BaseMessage],
        config: RunnableConfig,
        stop: list[str] | None,
        kwargs: Mapping[str, Any],
    ) -> Conversation:
        options = {**(self.model_extra or {}), **kwargs}
        options.pop("stream", None)  # what is examined is the whole answer
        if stop:
            options["stop"] = stop
        return Conversation(messages, config, options, self.tools, self.prices)

    def _settled(self, talk: Conversation, outcome: Outcome) -> Answer | Refusal:
        if outcome.action is Action.ACCEPT:
            return Answer.of(outcome)
        if talk.errors and not outcome.verdicts:
            error = talk.errors[-1]
            error.add_note(f"no rung of the ladder answered; recorded as outcome {outcome.id}")
            raise error
        return Refusal.of(outcome, self.refusal(outcome))


def _streamed(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {**kwargs, "stream": True}


def _calm(kind: Any, run: Any) -> RunnableConfig:
    around = ensure_config().get("configurable") or {}
    return quiet({"callbacks": _children(kind, run), "configurable": around})


def _children(kind: Any, run: Any) -> Any:
    # LangChain's runs of models have no children of their own accord.
    if run is None:
        return None
    manager = kind(handlers=[], parent_run_id=run.run_id)
    manager.set_handlers(run.inheritable_handlers)
    manager.add_tags(run.inheritable_tags)
    manager.add_metadata(run.inheritable_metadata)
    return manager


def _own(config: RunnableConfig, run: Any) -> RunnableConfig:
    """The config for events of the *run* itself, which streams may hear."""
    kind = (
        AsyncCallbackManager if isinstance(run, AsyncCallbackManagerForLLMRun) else CallbackManager
    )
    return {**config, "callbacks": _children(kind, run)}


def _called(
    talk: Conversation, found: object, run: Any
) -> tuple[list[Request], list[Mapping[str, str]]]:
    thread = (talk.config.get("configurable") or {}).get("thread_id")
    ids = {"run_id": None if run is None else run.run_id, "thread_id": thread}
    return [talk.asked(found)], [{k: str(v) for k, v in ids.items() if v is not None}]


def _beside(talk: Conversation, step: AIMessage) -> Exchange | None:
    asked, text = talk.asked(), str(step.text)
    return Exchange(asked.prompt, text, asked.context) if text.strip() else None


def _stepping(step: AIMessage, verdict: Verdict | None) -> AIMessage:
    return step if verdict is None or verdict.action is Action.ACCEPT else silent(step)
