"""The Verifier: detectors, models, policy and store, driven in threads or awaited."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, cast

from trustlayer.examination import Examination, examine
from trustlayer.exchange import Exchange
from trustlayer.finding import Detector
from trustlayer.flow import Answered, Trail, course, given
from trustlayer.model import Ask, Askable, Model, Request
from trustlayer.outcome import Outcome, Verdict
from trustlayer.policy import Policy
from trustlayer.runs import Run, describe, record_of

Correlation = Mapping[str, str]  # the caller's own ids, by name


class Store(Protocol):
    """Whatever keeps outcomes: `record` returns once they are durable, or raises."""

    def record(self, *outcomes: Outcome) -> None: ...


@dataclass(frozen=True, slots=True)
class Verifier:
    """Examines answers, and has bad ones revised, escalated, held or refused.

    *models* are a ladder, the first asked first: `Model`s, or plain functions from text to
    text. *timeout* is what each detector is granted, in seconds an exchange; None waits for
    ever. With a *store* nothing is handed out before its outcome is durable. *concurrency*
    bounds how many questions of one batch are under way at once.
    """

    detectors: Sequence[Detector]
    models: Sequence[Askable] = ()
    policy: Policy = Policy()  # noqa: RUF009  # frozen
    store: Store | None = None
    timeout: float | None = 60.0
    concurrency: int = 16

    def __post_init__(self) -> None:
        names = [detector.name for detector in self.detectors]
        if not names:
            raise ValueError("a Verifier needs at least one detector, got none")
        if repeated := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"detector names must differ, got twice: {', '.join(repeated)}")

    @property
    def rules(self) -> Policy:
        """The policy with each detector's own limit where the policy states none.

        Raises VoidCertificate when its limits were certified for other detectors.
        """
        if self.policy.certificate is not None:
            records = map(record_of, self.detectors)
            self.policy.certificate.expect({r.name: r.version for r in records})
        limits = {d.name: getattr(d, "limit", None) for d in self.detectors}
        return self.policy.with_defaults({n: v for n, v in limits.items() if v is not None})

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
        runs = [self._run(Request(e.prompt, e.context), correlation) for e in exchanges]
        for run, exchange, found in zip(runs, exchanges, self._examine(exchanges), strict=True):
            run.trail.add(given(self.rules, exchange, found))
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
        runs = self._start_all(requests, correlation, ladders)
        try:
            while waiting := _waiting(runs):
                asks, exchanges = _sorted(waiting)
                _answer(asks, _ask_all([ask for r in asks for ask in r.asks], self.concurrency))
                _send(exchanges, self._examine([cast(Exchange, r.step) for r in exchanges]))
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
        runs = self._start_all(requests, correlation, ladders)
        try:
            while waiting := _waiting(runs):
                asks, exchanges = _sorted(waiting)
                questions = [ask for run in asks for ask in run.asks]
                _answer(asks, await _aask_all(questions, self.concurrency))
                batch = [cast(Exchange, r.step) for r in exchanges]
                _send(exchanges, await asyncio.to_thread(self._examine, batch))
        except BaseException as error:
            await asyncio.to_thread(self._interrupt, runs, error)
            raise
        return await asyncio.to_thread(self._record, runs)

    def _run(self, request: Request, correlation: Correlation | None) -> Run:
        return Run(request, dict(correlation or {}), Trail())

    def _start_all(
        self,
        requests: Sequence[Request],
        correlation: Correlation | Sequence[Correlation] | None,
        ladders: Sequence[Sequence[Askable]] | None,
    ) -> list[Run]:
        labels = _each(correlation, len(requests))
        rungs = [self.models] * len(requests) if ladders is None else ladders
        return [self._start(*run) for run in zip(requests, labels, rungs, strict=True)]

    def _start(
        self, request: Request, correlation: Correlation | None, ladder: Sequence[Askable]
    ) -> Run:
        if not ladder:
            error = ValueError("there is no model to ask")
            error.add_note("give the Verifier models=[...], or verify a given answer with verify()")
            raise error
        models = [m if isinstance(m, Model) else Model.of(m) for m in ladder]
        run = self._run(request, correlation)
        run.course = course(self.rules, models, request, run.trail)
        run.advance()
        return run

    def _examine(self, exchanges: Sequence[Exchange]) -> list[Examination]:
        return examine(self.detectors, exchanges, self.timeout)

    def _interrupt(self, runs: Sequence[Run], error: BaseException) -> None:
        for run in runs:
            run.interrupt(error, self.detectors)
        self._record(runs)

    def _record(self, runs: Sequence[Run]) -> list[Outcome]:
        outcomes = [run.outcome(self.rules, self.detectors) for run in runs]
        if self.store is not None and outcomes:
            self.store.record(*outcomes)
        return outcomes


def _each(
    correlation: Correlation | Sequence[Correlation] | None, count: int
) -> Sequence[Correlation | None]:
    if correlation is None or isinstance(correlation, Mapping):
        return [correlation] * count
    return correlation


def _waiting(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if run.step is not None]


def _sorted(runs: Sequence[Run]) -> tuple[list[Run], list[Run]]:
    return [run for run in runs if run.asks], [run for run in runs if not run.asks]


def _answer(runs: Sequence[Run], answers: Sequence[Answered]) -> None:
    left = iter(answers)
    for run in runs:
        run.answer([next(left) for _ in run.asks])


def _send(runs: Sequence[Run], results: Sequence[Examination]) -> None:
    for run, result in zip(runs, results, strict=True):
        run.advance(result)


def _ask_all(asks: Sequence[Ask], concurrency: int) -> list[Answered]:
    if len(asks) < 2:
        return [_ask(ask) for ask in asks]
    contexts = [contextvars.copy_context() for _ in asks]
    with ThreadPoolExecutor(min(concurrency, len(asks))) as pool:
        futures = [pool.submit(c.run, _ask, ask) for c, ask in zip(contexts, asks, strict=True)]
        return [future.result() for future in futures]


def _ask(ask: Ask) -> Answered:
    begun = time.perf_counter()
    try:
        return Answered(ask.answer(), None, time.perf_counter() - begun)
    except Exception as error:
        return Answered(None, describe(error), time.perf_counter() - begun)


async def _aask_all(asks: Sequence[Ask], concurrency: int) -> list[Answered]:
    turn = asyncio.Semaphore(concurrency)

    async def one(ask: Ask) -> Answered:
        async with turn:
            return await _aask(ask)

    return await asyncio.gather(*map(one, asks))


async def _aask(ask: Ask) -> Answered:
    begun = time.perf_counter()
    try:
        return Answered(await ask.aanswer(), None, time.perf_counter() - begun)
    except Exception as error:
        return Answered(None, describe(error), time.perf_counter() - begun)
