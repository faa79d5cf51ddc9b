"""`live`: a chain's answer sentence by sentence, each only once it has passed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import set_config_context
from langchain_core.runnables.utils import ConfigurableFieldSpec
from langchain_core.utils.pydantic import TypeBaseModel

from trustlayer import Model, Outcome, Reply, Request, Verifier
from trustlayer.model import Answer as Chunk
from trustlayer_langchain.advice import again
from trustlayer_langchain.answers import refusal_text, summary
from trustlayer_langchain.inputs import question_of
from trustlayer_langchain.models import name_of
from trustlayer_langchain.passages import Context, source, texts_of
from trustlayer_langchain.quiet import heard_by, quiet
from trustlayer_langchain.texts import parts_of
from trustlayer_langchain.trusted import EVENT
from trustlayer_langchain.witness import Witness


def live(
    chain: Runnable[Any, Any],
    verifier: Verifier,
    *,
    context: Context | None = None,
    question: str | None = None,
    hold: int = 0,
    refusal: Callable[[Outcome], str] = refusal_text,
    name: str = "live",
) -> Live:
    """Wrap *chain*, which streams text: what it streams has passed, sentence by sentence.

    A chain that errs is stopped and asked to go on from what was handed out, then the
    verifier's own models are. The last chunk carries the verdict in its
    ``response_metadata["trust"]``; where it tells that the answer was not accepted to its end,
    its text is what *refusal* says. *context*, *question*: see `trusted`; *hold*: see
    `Verifier.stream`.
    """
    return Live(chain, verifier, context, question, hold, refusal, name)


@dataclass(frozen=True, eq=False)
class Live(Runnable[Any, AIMessageChunk]):
    """What `live` makes."""

    chain: Runnable[Any, Any]
    verifier: Verifier
    context: Context | None
    question: str | None
    hold: int
    refusal: Callable[[Outcome], str]
    name: str | None = "live"  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen

    @property
    def InputType(self) -> Any:
        return self.chain.InputType

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        return self.chain.config_specs

    def get_input_schema(self, config: RunnableConfig | None = None) -> TypeBaseModel:
        return self.chain.get_input_schema(config)

    def invoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessageChunk:
        return reduce(add, self.stream(input, config, **kwargs))

    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AIMessageChunk:
        return reduce(add, [chunk async for chunk in self.astream(input, config, **kwargs)])

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        yield from self.transform(iter([input]), config, **kwargs)

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        async def once() -> AsyncIterator[Any]:
            yield input

        async for chunk in self.atransform(once(), config, **kwargs):
            yield chunk

    def transform(
        self, input: Iterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[AIMessageChunk]:
        yield from self._transform_stream_with_config(input, self._pass, config, **kwargs)

    async def atransform(
        self, input: AsyncIterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[AIMessageChunk]:
        stream = self._atransform_stream_with_config(input, self._apass, config, **kwargs)
        async for chunk in stream:
            yield chunk

    def _pass(
        self,
        chunks: Iterator[Any],
        run_manager: CallbackManagerForChainRun,
        config: RunnableConfig,
        **kwargs: Any,
    ) -> Iterator[AIMessageChunk]:
        given, calm = reduce(add, chunks), quiet(config)
        call = _Call(self.chain, given, calm, self.question, kwargs)
        found: Any = ()
        if self.context is not None:
            found = source(self.context, self.question).invoke(given, calm)
        asked, ids = question_of(given, self.question), {"run_id": str(run_manager.run_id)}
        stream = self._verifier(call.stream).stream(
            asked, texts_of(found), hold=self.hold, correlation=ids
        )
        try:
            for text in stream:
                yield AIMessageChunk(content=text)
        finally:
            stream.close()
        last = self._verdict(stream.outcome)
        dispatch_custom_event(EVENT, last.response_metadata["trust"], config=config)
        yield last

    async def _apass(
        self,
        chunks: AsyncIterator[Any],
        run_manager: AsyncCallbackManagerForChainRun,
        config: RunnableConfig,
        **kwargs: Any,
    ) -> AsyncIterator[AIMessageChunk]:
        given, calm = reduce(add, [chunk async for chunk in chunks]), quiet(config)
        call = _Call(self.chain, given, calm, self.question, kwargs)
        found: Any = ()
        if self.context is not None:
            found = await source(self.context, self.question).ainvoke(given, calm)
        asked, ids = question_of(given, self.question), {"run_id": str(run_manager.run_id)}
        stream = self._verifier(call.astream).astream(
            asked, texts_of(found), hold=self.hold, correlation=ids
        )
        try:
            async for text in stream:
                yield AIMessageChunk(content=text)
        finally:
            await stream.aclose()
        last = self._verdict(stream.outcome)
        await adispatch_custom_event(EVENT, last.response_metadata["trust"], config=config)
        yield last

    def _verifier(self, stream: Callable[[Request], Any]) -> Verifier:
        model = Model(name_of(self.chain), lambda request: "", stream=stream)
        return replace(self.verifier, models=[model, *self.verifier.models])

    def _verdict(self, outcome: Outcome | None) -> AIMessageChunk:
        assert outcome is not None
        trust = summary(outcome)
        text = "" if trust["accepted"] else f"\n\n{self.refusal(outcome)}"
        return AIMessageChunk(content=text, response_metadata={"trust": trust})


@dataclass(frozen=True, slots=True)
class _Call:
    """One input of the chain; *config* keeps what it streams from being heard."""

    chain: Runnable[Any, Any]
    given: Any
    config: RunnableConfig
    question: str | None
    kwargs: dict[str, Any]

    def stream(self, request: Request) -> Iterator[Chunk]:
        witness = Witness()
        called, given = again(self.chain, self.given, request, self.question, None)
        with set_config_context(self.config) as context:
            chunks = context.run(
                called.stream, given, heard_by(self.config, witness), **self.kwargs
            )
        told = False
        for chunk in chunks:
            if not told:  # the retrievers have come back by now
                told = True
                yield Reply("", witness.context or None)
            yield _text(chunk)
        yield _reply(witness)

    async def astream(self, request: Request) -> AsyncIterator[Chunk]:
        witness = Witness()
        called, given = again(self.chain, self.given, request, self.question, None)
        told = False
        config = heard_by(self.config, witness)
        async for chunk in called.astream(given, config, **self.kwargs):
            if not told:
                told = True
                yield Reply("", witness.context or None)
            yield _text(chunk)
        yield _reply(witness)


def _reply(witness: Witness) -> Reply:
    tokens_in, tokens_out = witness.tokens
    return Reply("", None, None, tokens_in, tokens_out, model=witness.model)


def _text(chunk: object) -> str:
    """The text of *chunk*; raises TypeError for what no detector could examine."""
    if isinstance(chunk, str):
        return chunk
    if not isinstance(chunk, BaseMessage):
        raise TypeError(f"a live chain has to stream text, got {type(chunk).__name__}")
    unseen = [part for part in parts_of(chunk).unexamined if part.detector != "answer"]
    if unseen:
        raise TypeError(f"a live chain has to stream text: {unseen[0].reason}")
    return str(chunk.text)
