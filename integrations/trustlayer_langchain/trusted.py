"""`trusted`: a chain whose answers leave it only once they have been examined and accepted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from langchain_core.callbacks.manager import (
    BaseRunManager,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.graph import Graph
from langchain_core.runnables.utils import ConfigurableFieldSpec
from langchain_core.utils.pydantic import TypeBaseModel

from trustlayer import Outcome, Price, Verifier
from trustlayer_langchain.answers import Answer, Refusal, refusal_text
from trustlayer_langchain.errand import Rung
from trustlayer_langchain.passages import Context
from trustlayer_langchain.reading import Reading
from trustlayer_langchain.settlement import Result, Settlement

EVENT = "trust.verdict"


def trusted(
    chain: Runnable[Any, Any],
    verifier: Verifier,
    *,
    context: Context | None = None,
    fallbacks: Sequence[Rung] = (),
    question: str | None = None,
    answer: str | Callable[[Any], Any] | None = None,
    tools: bool = False,
    prices: Mapping[str, Price] | None = None,
    refusal: Callable[[Outcome], str] = refusal_text,
    name: str = "trusted",
) -> Trusted:
    """Wrap *chain*: what it gives is an `Answer` that was accepted, or a `Refusal`.

    *context* tells where the passages are: a key of the input, a retriever, or a Runnable or
    function of the input; without it, they are what retrievers and tools inside of the chain
    find. Rejected answers are revised, then the *fallbacks* are asked, then the verifier's own
    models. *question* is the key of the question in the input and *answer* the key, or a
    function, of the answer in the output, where they do not show. With *tools*, the arguments
    of tool calls are examined like text. *prices* are by the model names that the services
    give. *refusal* words the text of a refusal.

    An exception of the chain is raised, once recorded, if no rung gave any answer.
    """
    reading = Reading(question, answer, context, tools, dict(prices or {}))
    return Trusted(chain, verifier, tuple(fallbacks), reading, refusal, name)


@dataclass(frozen=True, eq=False)
class Trusted(Runnable[Any, Answer | Refusal]):
    """What `trusted` makes: a Runnable like any other, from the chain's input to a message."""

    chain: Runnable[Any, Any]
    verifier: Verifier
    fallbacks: tuple[Rung, ...]
    reading: Reading
    refusal: Callable[[Outcome], str]
    name: str | None = "trusted"  # pyright: ignore[reportIncompatibleVariableOverride]  # frozen

    @property
    def InputType(self) -> Any:
        return self.chain.InputType

    @property
    def OutputType(self) -> Any:
        return AIMessage  # both are messages, and schemas know this one

    @property
    def config_specs(self) -> list[ConfigurableFieldSpec]:
        return self.chain.config_specs

    def get_input_schema(self, config: RunnableConfig | None = None) -> TypeBaseModel:
        return self.chain.get_input_schema(config)

    def get_graph(self, config: RunnableConfig | None = None) -> Graph:
        """The chain's graph, and the examination at its end."""
        graph = self.chain.get_graph(config)
        graph.trim_last_node()
        last = graph.last_node()
        examination = graph.add_node(self)
        if last is not None:
            graph.add_edge(last, examination)
        graph.add_edge(examination, graph.add_node(self.get_output_schema(config)))
        return graph

    def invoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Answer | Refusal:
        [message] = self.batch([input], None if config is None else [config], **kwargs)
        return message

    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Answer | Refusal:
        [message] = await self.abatch([input], None if config is None else [config], **kwargs)
        return message

    def batch(
        self,
        inputs: list[Any],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Answer | Refusal]:
        """Answer all *inputs*, each round of answers being examined in one call."""
        return self._batch_with_config(
            self._settle, inputs, config, return_exceptions=return_exceptions, **kwargs
        )

    async def abatch(
        self,
        inputs: list[Any],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Answer | Refusal]:
        """Do what `batch` does, awaited."""
        return await self._abatch_with_config(
            self._asettle, inputs, config, return_exceptions=return_exceptions, **kwargs
        )

    def stream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Answer | Refusal]:
        """Yield the answer once it is accepted, or the refusal: one message."""
        yield from self.transform(iter([input]), config, **kwargs)

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Answer | Refusal]:
        """Do what `stream` does, awaited."""

        async def once() -> AsyncIterator[Any]:
            yield input

        async for message in self.atransform(once(), config, **kwargs):
            yield message

    def transform(
        self, input: Iterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[Answer | Refusal]:
        yield from self._transform_stream_with_config(input, self._gate, config, **kwargs)

    async def atransform(
        self, input: AsyncIterator[Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[Answer | Refusal]:
        stream = self._atransform_stream_with_config(input, self._agate, config, **kwargs)
        async for message in stream:
            yield message

    def _gate(
        self,
        chunks: Iterator[Any],
        run_manager: CallbackManagerForChainRun,
        config: RunnableConfig,
        **kwargs: Any,
    ) -> Iterator[Answer | Refusal]:
        whole: Any = None
        for chunk in chunks:
            whole = _joined(whole, chunk)
        [result] = self._settle([whole], [run_manager], [config], **kwargs)
        yield _raised(result)

    async def _agate(
        self,
        chunks: AsyncIterator[Any],
        run_manager: AsyncCallbackManagerForChainRun,
        config: RunnableConfig,
        **kwargs: Any,
    ) -> AsyncIterator[Answer | Refusal]:
        whole: Any = None
        async for chunk in chunks:
            whole = _joined(whole, chunk)
        [result] = await self._asettle([whole], [run_manager], [config], **kwargs)
        yield _raised(result)

    def _settle(
        self,
        inputs: list[Any],
        run_manager: Sequence[BaseRunManager],
        config: list[RunnableConfig],
        **kwargs: Any,
    ) -> list[Any]:
        results = self._examination.settle(inputs, run_manager, config, kwargs)
        for result, own in zip(results, config, strict=True):
            if not isinstance(result, Exception):
                dispatch_custom_event(EVENT, dict(result.trust), config=own)
        return results

    async def _asettle(
        self,
        inputs: list[Any],
        run_manager: Sequence[BaseRunManager],
        config: list[RunnableConfig],
        **kwargs: Any,
    ) -> list[Any]:
        results = await self._examination.asettle(inputs, run_manager, config, kwargs)
        for result, own in zip(results, config, strict=True):
            if not isinstance(result, Exception):
                await adispatch_custom_event(EVENT, dict(result.trust), config=own)
        return results

    @property
    def _examination(self) -> Settlement:
        return Settlement((self.chain, *self.fallbacks), self.verifier, self.reading, self.refusal)


def _joined(whole: Any, chunk: Any) -> Any:
    if whole is None:
        return chunk
    try:
        return whole + chunk
    except TypeError:  # as LangChain does with what cannot be added
        return chunk


def _raised(result: Result) -> Answer | Refusal:
    if isinstance(result, Exception):
        raise result
    return result
