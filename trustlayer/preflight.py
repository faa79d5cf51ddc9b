"""What a prompt alone makes one expect, and what is done about it before anybody is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from trustlayer.model import Model, Request
from trustlayer.outcome import Attempt
from trustlayer.policy import Action, Policy
from trustlayer.runs import Run

Expected = float | Exception | None  # a probability, why there is none, or nobody was asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """Spends more on prompts that are likely to be answered wrongly; it never spends less.

    *forecast* tells the probability of that for each of several prompts. From *sample* on, the
    samples of the policy are asked for whatever the context and the other findings; from *skip*
    on, the first model of the ladder is passed over, if there is another one. Nothing that would
    have been examined is left out. What was done stands in the outcome, as an attempt without a
    model; a forecast that fails changes nothing, and stands there too.
    """

    forecast: Callable[[Sequence[str]], Sequence[float]] = field(repr=False)
    sample: float | None = None
    skip: float | None = None

    def __post_init__(self) -> None:
        for name in ("sample", "skip"):
            bound = getattr(self, name)
            if bound is not None and not 0.0 <= bound <= 1.0:
                raise ValueError(f"{name} must lie in [0, 1], got {bound}")

    def expect(self, requests: Sequence[Request]) -> list[Expected]:
        """The forecast of each request, in one call."""
        try:
            found = list(map(float, self.forecast([request.prompt for request in requests])))
            if len(found) != len(requests) or not all(0.0 <= risk <= 1.0 for risk in found):
                raise ValueError(f"expected {len(requests)} probabilities, got {found[:5]}")
        except Exception as error:
            return [error] * len(requests)
        return list(found)

    def allot(
        self, expected: Expected, request: Request, models: Sequence[Model], policy: Policy
    ) -> tuple[Sequence[Model], Policy, list[Attempt]]:
        """The ladder and the policy for one request, and what to tell of that."""
        if not isinstance(expected, float):
            failed = [] if expected is None else [_note(request, f"no forecast: {expected!r}")]
            return models, policy, failed
        notes: list[Attempt] = []
        if self.skip is not None and expected >= self.skip and len(models) > 1:
            notes.append(_note(request, f"{models[0].name} was not asked", expected))
            models = models[1:]
        if self.sample is not None and expected >= self.sample and policy.sampling is not None:
            notes.append(_note(request, "samples are asked for in any case", expected))
            policy = replace(policy, sampling=replace(policy.sampling, clear=0.0))
        return models, policy, notes


def forecasts(preflight: Preflight | None, requests: Sequence[Request]) -> list[Expected]:
    """The forecast of each request, where there is a preflight."""
    return [None] * len(requests) if preflight is None else preflight.expect(requests)


async def aforecasts(preflight: Preflight | None, requests: Sequence[Request]) -> list[Expected]:
    """Do what `forecasts` does, in a thread."""
    if preflight is None:
        return forecasts(preflight, requests)
    return await asyncio.to_thread(forecasts, preflight, requests)


def allotted(
    preflight: Preflight | None,
    expected: Expected,
    run: Run,
    models: Sequence[Model],
    rules: Policy,
) -> tuple[Sequence[Model], Policy]:
    """The ladder and the rules of one *run*, in whose trail it is told what was done."""
    if preflight is None:
        return models, rules
    models, rules, notes = preflight.allot(expected, run.request, models, rules)
    for note in notes:
        run.trail.add(note)
    return models, rules


def _note(request: Request, what: str, expected: float | None = None) -> Attempt:
    why = "" if expected is None else f"a wrong answer is expected ({expected:.2f}): "
    return Attempt(None, request, None, Action.REVISE, error=f"preflight: {why}{what}")
