"""Whole answers through the proxy: one run of the verifier for each choice of a response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from trustlayer import Detector, Exchange, Outcome, Unexamined, Verifier
from trustlayer_litellm.answers import Choice, headers, reply_of, settled, summary
from trustlayer_litellm.ladder import Complete, ladder
from trustlayer_litellm.requests import Asked, Body


@dataclass(frozen=True, slots=True)
class _Unseen:
    """Stands for the detectors where there is no text that they could examine."""

    name: str
    reason: str

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Unexamined]:
        return [Unexamined(self.name, self.reason) for _ in exchanges]


@dataclass(frozen=True, slots=True)
class Examining:
    """*fallbacks* are models of the proxy, asked before those of the verifier."""

    verifier: Verifier
    fallbacks: Sequence[str] = ()

    async def settle(
        self, response: Any, asked: Sequence[Asked], body: Body, complete: Complete
    ) -> tuple[list[Choice], list[Outcome]]:
        """What is handed out in the place of each choice of *response*, and what came of it.

        *asked* are the prompts that the choices answer, as many choices for each.
        """
        choices: list[Choice] = list(response.choices)
        each = max(1, len(choices) // len(asked))
        questions = [asked[min(n // each, len(asked) - 1)] for n in range(len(choices))]
        ladders = [
            ladder(
                question,
                reply_of(response, choice, question.unexamined),
                body,
                self.fallbacks,
                self.verifier.models,
                complete,
            )
            for choice, question in zip(choices, questions, strict=True)
        ]
        outcomes = await self.verifier.arun_all(
            [question.request for question in questions],
            [question.correlation for question in questions],
            ladders=ladders,
        )
        return self._settled(outcomes, choices), outcomes

    def _settled(self, outcomes: Sequence[Outcome], choices: Sequence[Choice]) -> list[Choice]:
        reasoning = "reasoning" in self.verifier.policy.tolerated
        rows = zip(outcomes, choices, strict=True)
        return [settled(outcome, choice, reasoning=reasoning) for outcome, choice in rows]

    def note(self, kind: str, asked: Asked) -> Outcome:
        """Record an answer of that *kind*, which nobody examines; policy decides about it."""
        reason = f"no detector examines what the endpoint {kind} gives"
        policy = self.verifier.policy
        bare = replace(
            policy, certificate=None, sampling=None, limits={}, clear={}, limit=policy.limit
        )
        stand_in: Detector = _Unseen(kind, reason)
        noting = replace(self.verifier, detectors=[stand_in], policy=bare)
        exchange = Exchange(asked.request.prompt, "", asked.request.context)
        return noting.settle_all([exchange], asked.correlation)[0]

    def prompt(self, asked: Asked, names: Sequence[str]) -> Outcome:
        """Examine the prompt as if it were an answer, by the detectors of those *names*."""
        detectors = [d for d in self.verifier.detectors if d.name in names]
        policy = replace(self.verifier.policy, certificate=None, sampling=None)
        examining = replace(self.verifier, detectors=detectors, policy=policy)
        exchange = Exchange("", asked.request.prompt)
        return examining.settle_all([exchange], {**asked.correlation, "of": "prompt"})[0]


def verdict(outcomes: Sequence[Outcome]) -> Body:
    """The verdicts on all choices as plain data: that of the worst, and of each where many."""
    told = [summary(outcome) for outcome in outcomes]
    action = headers(told)["x-trustlayer-action"]
    worst = next(one for one in told if one["action"] == action)
    return worst if len(told) == 1 else {**worst, "choices": told}
