"""The Verifier: detectors, models, policy and store, driven in threads or awaited."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

from trustlayer.asking import aask_all, ask_all
from trustlayer.examination import Examination, examine
from trustlayer.exchange import Exchange
from trustlayer.finding import Detector
from trustlayer.flow import course, given
from trustlayer.gate import Gate, nobody
from trustlayer.model import Askable, Model, Request, ladder_of, source_of
from trustlayer.outcome import Outcome, Verdict
from trustlayer.policy import Policy, Strategy
from trustlayer.preflight import Expected, Preflight, aforecasts, allotted, forecasts
from trustlayer.runs import Correlation, Run, answer_all, apart, each, record_of, send_all, waiting
from trustlayer.stream import AsyncStream, Live, Stream
from trustlayer.streaming import streaming
from trustlayer.thrift import Thrift
from trustlayer.trail import Trail


class Store(Protocol):
    """Whatever keeps outcomes: `record` returns once they are durable, or raises."""

    def record(self, *outcomes: Outcome) -> None: ...


@dataclass(frozen=True, slots=True)
class Verifier:
    """Examines answers, and has bad ones revised, escalated, held or refused.

    *models* are a ladder, the first asked first: `Model`s, or plain functions from text to
    text. *timeout* is what each detector is granted, in seconds an exchange; None waits for
    ever. With a *store* nothing is handed out before its outcome is durable. *concurrency*
    bounds how many questions of one batch are under way at once. *thrift* has acceptable
    answers escalated, too, where that is worth its price. *retrieve* finds passages for a text,
    for policies whose strategies want that. *preflight* spends more on prompts that look hard.
    """

    detectors: Sequence[Detector]
    models: Sequence[Askable] = ()
    policy: Policy = Policy()  # noqa: RUF009  # frozen
    store: Store | None = None
    timeout: float | None = 60.0
    concurrency: int = 16
    thrift: Thrift | None = None
    retrieve: Callable[[str], Iterable[str]] | None = None
    preflight: Preflight | None = None

    def __post_init__(self) -> None:
        names = [detector.name for detector in self.detectors]
        if not names:
            raise ValueError("a Verifier needs at least one detector, got none")
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"detector names must differ, got twice: {', '.join(repeated)}")
        if self.retrieve is None and Strategy.RETRIEVE in self.policy.strategies:
            raise ValueError("the policy wants passages retrieved: give the Verifier retrieve=...")

    @property
    def rules(self) -> Policy:
        """The policy with each detector's own limit where the policy states none."""
        limits = {d.name: getattr(d, "limit", None) for d in self.detectors}
        return self.policy.with_defaults({n: v for n, v in limits.items() if v is not None})

    def _ruled(self, *, streamed: bool = False) -> Policy:
        """The rules; raises VoidCertificate when they were certified for something else."""
        if self.policy.certificate is not None:
            versions = {r.name: r.version for r in map(record_of, self.detectors)}
            self.policy.certificate.expect(versions, streamed=streamed)
        return self.rules

    def verify(self, exchange: Exchange) -> Verdict:
        """Examine one given answer; the action is ACCEPT, HOLD or REFUSE."""
        [verdict] = self.verify_all([exchange])
        return verdict

    def verify_all(self, exchanges: Sequence[Exchange]) -> list[Verdict]:
        """Examine given answers, each detector being called once for all of them."""
        return [outcome.verdicts[-1] for outcome in self.settle_all(exchanges)]

    def settle_all(
        self, exchanges: Sequence[Exchange], correlation: Correlation | None = None
    ) -> list[Outcome]:
        """Do what `verify_all` does and return the outcomes, as the store records them."""
        rules = self._ruled()
        runs = [self._run(Request(e.prompt, e.context), correlation) for e in exchanges]
        for run, exchange, found in zip(runs, exchanges, self._examine(exchanges), strict=True):
            run.trail.add(given(rules, exchange, found))
        return self._record(runs)

    def run(
        self,
        prompt: str,
        context: Iterable[str] = (),
        *,
        correlation: Correlation | None = None,
    ) -> Outcome:
        """Ask until an answer is accepted or the models are exhausted."""
        [outcome] = self.run_all([Request(prompt, tuple(context))], correlation)
        return outcome

    async def arun(
        self,
        prompt: str,
        context: Iterable[str] = (),
        *,
        correlation: Correlation | None = None,
    ) -> Outcome:
        """Do what `run` does, with the models awaited and the detectors in a thread."""
        [outcome] = await self.arun_all([Request(prompt, tuple(context))], correlation)
        return outcome

    def run_all(
        self,
        requests: Sequence[Request],
        correlation: Correlation | Sequence[Correlation] | None = None,
        *,
        ladders: Sequence[Sequence[Askable]] | None = None,
    ) -> list[Outcome]:
        """Run a batch, abreast: each round asks concurrently and examines in one call.

        *correlation* is one for all, or one for each request; *ladders* are the models to ask
        for each request, in place of the verifier's own.
        """
        runs = self._start_all(requests, correlation, ladders, forecasts(self.preflight, requests))
        try:
            while open_ := waiting(runs):
                asks, exchanges = apart(open_)
                answer_all(asks, ask_all([ask for r in asks for ask in r.asks], self.concurrency))
                send_all(exchanges, self._examine_runs(exchanges))
        except BaseException as error:
            self._interrupt(runs, error)
            raise
        return self._record(runs)

    async def arun_all(
        self,
        requests: Sequence[Request],
        correlation: Correlation | Sequence[Correlation] | None = None,
        *,
        ladders: Sequence[Sequence[Askable]] | None = None,
    ) -> list[Outcome]:
        """Do what `run_all` does, awaited."""
        expected = await aforecasts(self.preflight, requests)
        runs = self._start_all(requests, correlation, ladders, expected)
        try:
            while open_ := waiting(runs):
                asks, exchanges = apart(open_)
                questions = [ask for run in asks for ask in run.asks]
                answer_all(asks, await aask_all(questions, self.concurrency))
                send_all(exchanges, await asyncio.to_thread(self._examine_runs, exchanges))
        except BaseException as error:
            await asyncio.to_thread(self._interrupt, runs, error)
            raise
        return await asyncio.to_thread(self._record, runs)

    def stream(
        self,
        prompt: str,
        context: Iterable[str] = (),
        *,
        hold: int = 0,
        correlation: Correlation | None = None,
    ) -> Stream:
        """Text that has passed, sentence by sentence; its `outcome` is there at its end.

        A model that errs is stopped, and asked to go on from what was handed out. *hold* keeps
        back so many characters first, so that a short answer can be begun anew. The outcome is
        durable before the last sentence is handed out. Samples that the policy wants are asked
        for before the first sentence that they are wanted for is handed out. Thrift has no say:
        what was handed out cannot be exchanged for something better.
        """
        request = Request(prompt, tuple(context))
        return Stream(
            self._live(request, self.models, self._ruled(streamed=True), hold, correlation)
        )

    def astream(
        self,
        prompt: str,
        context: Iterable[str] = (),
        *,
        hold: int = 0,
        correlation: Correlation | None = None,
    ) -> AsyncStream:
        """Do what `stream` does, awaited."""
        request = Request(prompt, tuple(context))
        return AsyncStream(
            self._live(request, self.models, self._ruled(streamed=True), hold, correlation)
        )

    def gate(
        self,
        prompt: str,
        context: Iterable[str] = (),
        *,
        hold: int = 0,
        correlation: Correlation | None = None,
        model: str = "upstream",
    ) -> Gate:
        """A gate for a stream that is driven elsewhere; *model* is the name to record."""
        rules = replace(self._ruled(streamed=True), revisions=0)
        request, upstream = Request(prompt, tuple(context)), Model(model, nobody)
        return Gate(self._live(request, [upstream], rules, hold, correlation))

    def _live(
        self,
        request: Request,
        models: Sequence[Askable],
        rules: Policy,
        hold: int,
        correlation: Correlation | None,
    ) -> Live:
        run = self._run(request, correlation)
        until = run.deadline(rules.budget)
        [expected] = forecasts(self.preflight, [request])
        ladder, rules = allotted(self.preflight, expected, run, ladder_of(models), rules)
        return Live(
            run,
            streaming(rules, ladder, request, run.trail, hold),
            examine=lambda exchange: self._examine([exchange], until)[0],
            record=lambda: self._record([run])[0],
            concurrency=self.concurrency,
        )

    def _run(self, request: Request, correlation: Correlation | None) -> Run:
        return Run(request, dict(correlation or {}), Trail())

    def _start_all(
        self,
        requests: Sequence[Request],
        correlation: Correlation | Sequence[Correlation] | None,
        ladders: Sequence[Sequence[Askable]] | None,
        expected: Sequence[Expected],
    ) -> list[Run]:
        labels = each(correlation, len(requests))
        rungs = [self.models] * len(requests) if ladders is None else ladders
        return [self._start(*run) for run in zip(requests, labels, rungs, expected, strict=True)]

    def _start(
        self,
        request: Request,
        correlation: Correlation | None,
        ladder: Sequence[Askable],
        expected: Expected,
    ) -> Run:
        run = self._run(request, correlation)
        rungs = ladder_of(ladder)
        models, rules = allotted(self.preflight, expected, run, rungs, self._ruled())
        source = source_of(self.retrieve)
        run.course = course(rules, models, request, run.trail, self.thrift, source)
        run.advance()
        return run

    def _examine_runs(self, runs: Sequence[Run]) -> list[Examination]:
        """Examine what the *runs* wait for: together, but for those that have a deadline."""
        free = [run for run in runs if run.deadline(self.policy.budget) == math.inf]
        found = self._examine([cast(Exchange, run.step) for run in free])
        of_run = {run.id: examination for run, examination in zip(free, found, strict=True)}
        for run in runs:
            if run.id not in of_run:
                until = run.deadline(self.policy.budget)
                [of_run[run.id]] = self._examine([cast(Exchange, run.step)], until)
        return [of_run[run.id] for run in runs]

    def _examine(
        self, exchanges: Sequence[Exchange], deadline: float = math.inf
    ) -> list[Examination]:
        settled = self.rules.settled if self.policy.cascade else None
        return examine(self.detectors, exchanges, self.timeout, deadline=deadline, settled=settled)

    def _interrupt(self, runs: Sequence[Run], error: BaseException) -> None:
        for run in runs:
            run.interrupt(error, self.detectors)
        self._record(runs)

    def _record(self, runs: Sequence[Run]) -> list[Outcome]:
        outcomes = [run.outcome(self.rules, self.detectors) for run in runs]
        if self.store is not None and outcomes:
            self.store.record(*outcomes)
        return outcomes
