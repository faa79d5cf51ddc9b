"""`Vault`: a chat model that never sees the personal data that it is asked about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, cast

from langchain_core.caches import BaseCache
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.tools import BaseTool
from pydantic import Field

from trustlayer.privacy import Recogniser
from trustlayer_langchain.sealing import Leak, Sealed, sealed
from trustlayer_langchain.unsealing import Unsealing, restored

__all__ = ["Leak", "Vault"]


class Vault(BaseChatModel):
    """Wraps *bound*: what leaves for it holds placeholders in the place of personal data.

    They are typed and the same for the same value within a conversation: ``[EMAIL_1]``. In the
    answer, in calls of tools, and in what is streamed, the values stand again. What the
    *recognisers* find (the built-in ones by default) leaves under no circumstances: a request
    that would still hold any of it, or a part that cannot be looked through, like an image,
    raises `Leak`, unless the kind of that part is in *passes*. The values are in memory while a
    call lasts, and nowhere else.

    A placeholder that the model has invented stays in the answer, told of in its
    ``response_metadata["vault"]``; the detector `trustlayer.privacy.placeholders` finds it.
    """

    bound: BaseChatModel
    recognisers: tuple[Recogniser, ...] | None = Field(default=None, repr=False, exclude=True)
    passes: frozenset[str] = frozenset()
    cache: BaseCache | bool | None = Field(default=False, exclude=True)  # it would keep values

    def __init__(
        self,
        bound: BaseChatModel | None = None,
        *,
        recognisers: Sequence[Recogniser] | None = None,
        passes: Sequence[str] | frozenset[str] = (),
        **fields: Any,
    ) -> None:
        known = None if recognisers is None else tuple(recognisers)
        own: dict[str, Any] = {"bound": bound, "recognisers": known, "passes": frozenset(passes)}
        super().__init__(**own, **fields)

    @property
    def _llm_type(self) -> str:
        return "trustlayer-vault"

    @property
    def model_name(self) -> str:
        """The name of the model inside."""
        bound: Any = self.bound
        named = getattr(bound, "model_name", None) or getattr(bound, "model", None)
        return named if isinstance(named, str) else self.bound.get_name()

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        choice = {} if tool_choice is None else {"tool_choice": tool_choice}
        made = self.bound.bind_tools(tools, **choice, **kwargs)
        if not isinstance(made, RunnableBindingBase):
            raise TypeError(f"expected a binding of {self.model_name}, got {type(made).__name__}")
        return cast("Runnable[LanguageModelInput, AIMessage]", self.bind(**dict(made.kwargs)))

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        away = self._sealed(messages, stop, kwargs)
        return _result(self.bound._generate(list(away.messages), stop, None, **kwargs), away)  # pyright: ignore[reportPrivateUsage]

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        away = self._sealed(messages, stop, kwargs)
        return _result(
            await self.bound._agenerate(list(away.messages), stop, None, **kwargs),  # pyright: ignore[reportPrivateUsage]
            away,
        )

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        away = self._sealed(messages, stop, kwargs)
        unsealing = Unsealing(away.ledger)
        if not _streams(self.bound, "_stream"):
            yield _whole(self.bound._generate(list(away.messages), stop, None, **kwargs), away)  # pyright: ignore[reportPrivateUsage]
            return
        for chunk in self.bound._stream(list(away.messages), stop, None, **kwargs):  # pyright: ignore[reportPrivateUsage]
            yield unsealing.feed(chunk)
        yield unsealing.flush()

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        away = self._sealed(messages, stop, kwargs)
        unsealing = Unsealing(away.ledger)
        if not (_streams(self.bound, "_astream") or _streams(self.bound, "_stream")):
            result = await self.bound._agenerate(list(away.messages), stop, None, **kwargs)  # pyright: ignore[reportPrivateUsage]
            yield _whole(result, away)
            return
        async for chunk in self.bound._astream(list(away.messages), stop, None, **kwargs):  # pyright: ignore[reportPrivateUsage]
            yield unsealing.feed(chunk)
        yield unsealing.flush()

    def _sealed(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: dict[str, Any]
    ) -> Sealed:
        return sealed(messages, {**kwargs, "stop": stop}, self.recognisers, self.passes)


def _streams(model: BaseChatModel, name: str) -> bool:
    return getattr(type(model), name) is not getattr(BaseChatModel, name)


def _result(result: ChatResult, away: Sealed) -> ChatResult:
    generations = [_restored(generation, away) for generation in result.generations]
    return ChatResult(generations=generations, llm_output=result.llm_output)


def _restored(generation: ChatGeneration, away: Sealed) -> ChatGeneration:
    message = restored(generation.message, away.ledger)
    return ChatGeneration(message=message, generation_info=generation.generation_info)


def _whole(result: ChatResult, away: Sealed) -> ChatGenerationChunk:
    [generation] = _result(result, away).generations[:1]
    message = generation.message
    fields = {name: getattr(message, name) for name in set(type(message).model_fields) - {"type"}}
    return ChatGenerationChunk(message=AIMessageChunk(**fields))
