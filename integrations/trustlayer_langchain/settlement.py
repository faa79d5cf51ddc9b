"""From inputs to answers or refusals: a batch of errands and one verifier."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from langchain_core.callbacks.manager import BaseRunManager
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import set_config_context
from langchain_core.runnables.utils import coro_with_context

from trustlayer import Action, Model, Outcome, Request, Verifier
from trustlayer_langchain.answers import Answer, Refusal
from trustlayer_langchain.errand import Errand, Rung
from trustlayer_langchain.inputs import tool_results
from trustlayer_langchain.passages import source, texts_of
from trustlayer_langchain.quiet import quiet
from trustlayer_langchain.reading import Reading

Result = Answer | Refusal | Exception


@dataclass(frozen=True, slots=True)
class Settlement:
    """*rungs* are asked in turn, then the verifier's own models."""

    rungs: Sequence[Rung]
    verifier: Verifier
    reading: Reading
    refusal: Callable[[Outcome], str]

    def settle(
        self,
        inputs: Sequence[Any],
        managers: Sequence[BaseRunManager],
        configs: Sequence[RunnableConfig],
        kwargs: Mapping[str, Any],
    ) -> list[Result]:
        """Give one result for each input; an exception where nobody answered."""
        calm = [quiet(config) for config in configs]
        found: Sequence[Any] = inputs
        if self.reading.context is not None:
            step = source(self.reading.context, self.reading.question)
            found = step.batch(list(inputs), calm, return_exceptions=True)
        plans = self._plans(inputs, found, managers, calm, kwargs)
        errands = _sent(plans)
        with set_config_context(calm[0]) as context:  # detectors may be LangChain's too
            outcomes = context.run(
                self._verifier(configs).run_all,
                [errand.request for errand in errands],
                [errand.correlation for errand in errands],
                ladders=self._ladders(errands, awaited=False),
            )
        return self._results(plans, iter(outcomes))

    async def asettle(
        self,
        inputs: Sequence[Any],
        managers: Sequence[BaseRunManager],
        configs: Sequence[RunnableConfig],
        kwargs: Mapping[str, Any],
    ) -> list[Result]:
        """Do what `settle` does, awaited."""
        calm = [quiet(config) for config in configs]
        found: Sequence[Any] = inputs
        if self.reading.context is not None:
            step = source(self.reading.context, self.reading.question)
            found = await step.abatch(list(inputs), calm, return_exceptions=True)
        plans = self._plans(inputs, found, managers, calm, kwargs)
        errands = _sent(plans)
        with set_config_context(calm[0]) as context:
            run = self._verifier(configs).arun_all(
                [errand.request for errand in errands],
                [errand.correlation for errand in errands],
                ladders=self._ladders(errands, awaited=True),
            )
            outcomes = await coro_with_context(run, context)
        return self._results(plans, iter(outcomes))

    def _verifier(self, configs: Sequence[RunnableConfig]) -> Verifier:
        most = configs[0].get("max_concurrency")
        return replace(self.verifier, concurrency=most) if most else self.verifier

    def _ladders(self, errands: Sequence[Errand], *, awaited: bool) -> list[list[Model]]:
        own = [m if isinstance(m, Model) else Model.of(m) for m in self.verifier.models]
        return [errand.ladder([*self.rungs, *own], awaited=awaited) for errand in errands]

    def _plans(
        self,
        inputs: Sequence[Any],
        found: Sequence[Any],
        managers: Sequence[BaseRunManager],
        configs: Sequence[RunnableConfig],
        kwargs: Mapping[str, Any],
    ) -> list[Errand | Exception]:
        rows = zip(inputs, found, managers, configs, strict=True)
        return [self._plan(*row, kwargs) for row in rows]

    def _plan(
        self,
        given: Any,
        found: Any,
        manager: BaseRunManager,
        config: RunnableConfig,
        kwargs: Mapping[str, Any],
    ) -> Errand | Exception:
        if isinstance(found, Exception):
            return found
        reading = self.reading
        try:
            within = reading.context is None
            passages = tool_results(given, reading.question) if within else texts_of(found)
            request = Request(reading.question_in(given), passages)
        except Exception as error:  # its own input's, in a batch
            return error
        return Errand(given, request, config, kwargs, _correlation(manager, config), reading)

    def _results(
        self, plans: Sequence[Errand | Exception], outcomes: Iterator[Outcome]
    ) -> list[Result]:
        return [
            plan if isinstance(plan, Exception) else self._result(plan, next(outcomes))
            for plan in plans
        ]

    def _result(self, errand: Errand, outcome: Outcome) -> Result:
        if outcome.action is Action.ACCEPT:
            return Answer.of(outcome)
        if errand.errors and not outcome.verdicts:
            error = errand.errors[-1]
            error.add_note(f"no rung of the ladder answered; recorded as outcome {outcome.id}")
            return error
        return Refusal.of(outcome, self.refusal(outcome))


def _sent(plans: Sequence[Errand | Exception]) -> list[Errand]:
    return [plan for plan in plans if isinstance(plan, Errand)]


def _correlation(manager: BaseRunManager, config: RunnableConfig) -> dict[str, str]:
    ids = {
        "run_id": manager.run_id,
        "parent_run_id": manager.parent_run_id,
        "thread_id": (config.get("configurable") or {}).get("thread_id"),
    }
    return {name: str(value) for name, value in ids.items() if value is not None}
