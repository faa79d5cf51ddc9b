"""One input on its way through the chains: what it asks, whom, and what went wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import set_config_context
from langchain_core.runnables.utils import coro_with_context

from trustlayer import Model, Reply, Request
from trustlayer_langchain.advice import again
from trustlayer_langchain.models import name_of, reply_of
from trustlayer_langchain.quiet import heard_by
from trustlayer_langchain.reading import Reading
from trustlayer_langchain.witness import Witness

Chain = Runnable[Any, Any]
Rung = Chain | Model


@dataclass(slots=True)
class Errand:
    """*config* is that of the inner chains; *kwargs* go to them with each call."""

    given: Any
    request: Request
    config: RunnableConfig
    kwargs: Mapping[str, Any]
    correlation: Mapping[str, str]
    reading: Reading
    errors: list[Exception] = field(default_factory=list[Exception])

    def ladder(self, rungs: Sequence[Rung], *, awaited: bool) -> list[Model]:
        """The models that stand for *rungs*, for this input alone."""
        return [self._rung(rung, awaited) for rung in rungs]

    def _rung(self, rung: Rung, awaited: bool) -> Model:
        if not isinstance(rung, Model):
            return Model(name_of(rung), self._aasking(rung) if awaited else self._asking(rung))
        alone = awaited and inspect.iscoroutinefunction(rung.ask)
        return replace(rung, ask=self._awithin(rung.ask) if alone else self._within(rung.ask))

    def _asking(self, chain: Chain) -> Callable[[Request], Reply]:
        def ask(request: Request) -> Reply:
            witness, called, given = self._call(chain, request)
            try:
                config = heard_by(self.config, witness)
                return self._reply(called.invoke(given, config, **self.kwargs), witness)
            except Exception as error:
                self.errors.append(error)
                raise

        return ask

    def _aasking(self, chain: Chain) -> Any:
        async def ask(request: Request) -> Reply:
            witness, called, given = self._call(chain, request)
            try:
                config = heard_by(self.config, witness)
                return self._reply(await called.ainvoke(given, config, **self.kwargs), witness)
            except Exception as error:
                self.errors.append(error)
                raise

        return ask

    def _call(self, chain: Chain, request: Request) -> tuple[Witness, Chain, Any]:
        reading = self.reading
        return Witness(), *again(chain, self.given, request, reading.question, reading.answer_key)

    def _reply(self, output: object, witness: Witness) -> Reply:
        part = self.reading.part_of(output)
        reply = reply_of(output, witness, part=part, tools=self.reading.tools)
        reply = replace(reply, cost=witness.cost(self.reading.prices))
        return reply if self.reading.context is None else replace(reply, context=None)

    # A model of the verifier's own may be LangChain's too: it is then traced, and kept as
    # quiet, as the chains are.

    def _within(self, ask: Callable[[Request], Any]) -> Callable[[Request], Any]:
        def within(request: Request) -> Any:
            with set_config_context(self.config) as context:
                return context.run(ask, request)

        return within

    def _awithin(self, ask: Callable[[Request], Any]) -> Any:
        async def within(request: Request) -> Any:
            with set_config_context(self.config) as context:
                return await coro_with_context(ask(request), context)

        return within
