"""Asking a model, the same or another, how sure it is: P(True) and stated confidence.

Any model of the loop will do, and any function from text to text: a LangChain model, a local
causal one. They cost a question each, so they are no part of the default detectors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import exp
from typing import ClassVar

from trustlayer import Evidence, Exchange, Finding, Model, Reply, Request, Unexamined
from trustlayer.model import Ask, Askable

_QUESTION = (
    "Question: {prompt}\n\n{brainstormed}Proposed answer: {answer}\n\n"
    "Is the proposed answer true or false? Answer with one word, True or False."
)
_CONFIDENCE = (
    "Question: {prompt}\n\nProposed answer: {answer}\n\n"
    "How likely is it that the proposed answer is correct? Answer with a percentage from 0 to "
    "100 and nothing else."
)
_VERDICT = re.compile(r"\W*(true|false|yes|no)\b", re.IGNORECASE)
_PERCENTAGE = re.compile(r"(?<![\d.])(100(?:\.0+)?|\d{1,2}(?:\.\d+)?)(?![\d.]*\d)\s*(%|percent\b)?")
_FRACTION = re.compile(r"(?<![\d.])(?:0?\.\d+|[01]\.0+)(?![\d%])")


@dataclass(frozen=True, slots=True)
class AskedTruth:
    """One minus P(True): Kadavath et al., "Language Models (Mostly) Know What They Know", 2022.

    With log-probabilities in the model's reply the risk is read from its first word, else from
    how often it says False in *tries*. The exchange's samples are shown to it as other ideas.
    """

    model: Askable
    tries: int = 1
    name: ClassVar[str] = "p_true"
    version: ClassVar[str] = "1"

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        return [self._one(exchange) for exchange in exchanges]

    def _one(self, exchange: Exchange) -> Finding | Unexamined:
        replies = _asked(self.model, truth_question(exchange), self.tries)
        risks = [untruth(reply) for reply in replies]
        known = [risk for risk in risks if risk is not None]
        if not known:
            said = replies[0].text[:80]
            return Unexamined(self.name, f"asked for True or False, the model said {said!r}")
        risk = sum(known) / len(known)
        return Finding(risk, (Evidence(f"asked itself, the model believes it to {1 - risk:.0%}"),))


@dataclass(frozen=True, slots=True)
class AskedConfidence:
    """One minus the confidence that a model states in words.

    Lin, Hilton and Evans, TMLR 2022 (arXiv 2205.14334); Tian et al., "Just Ask for
    Calibration", EMNLP 2023. Stated confidence is mostly too high: calibrate the limit.
    """

    model: Askable
    name: ClassVar[str] = "stated_confidence"
    version: ClassVar[str] = "1"

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        return [self._one(exchange) for exchange in exchanges]

    def _one(self, exchange: Exchange) -> Finding | Unexamined:
        question = _CONFIDENCE.format(prompt=exchange.prompt, answer=exchange.answer)
        [reply] = _asked(self.model, question, 1)
        confidence = stated(reply.text)
        if confidence is None:
            said = reply.text[:80]
            return Unexamined(self.name, f"asked for a percentage, the model said {said!r}")
        reason = f"the model states a confidence of {confidence:.0%}"
        return Finding(1.0 - confidence, (Evidence(reason),))


def truth_question(exchange: Exchange) -> str:
    """The question for P(True), with the other ideas that the samples hold."""
    ideas = list(dict.fromkeys([exchange.answer, *exchange.samples]))
    listed = "\n".join(ideas)
    shown = f"Here are some brainstormed ideas:\n{listed}\n\n" if len(ideas) > 1 else ""
    return _QUESTION.format(prompt=exchange.prompt, answer=exchange.answer, brainstormed=shown)


def untruth(reply: Reply) -> float | None:
    """One minus P(True) as *reply* tells it: [0, 1], or None where it says neither.

    The probability is that of the token with which the verdict begins; without
    log-probabilities it is 1.
    """
    verdict = _VERDICT.match(reply.text)
    if verdict is None:
        return None
    logprobs = reply.likelihoods
    sure = exp(_first(reply) if reply.tokens else logprobs[0]) if logprobs else 1.0
    return 1.0 - sure if verdict[1].casefold() in ("true", "yes") else sure


def _first(reply: Reply) -> float:
    # White space and opening marks may be tokens of their own.
    worded = (token.logprob for token in reply.tokens if any(map(str.isalnum, token.text)))
    return next(worded, reply.tokens[0].logprob)


def stated(text: str) -> float | None:
    """The confidence that *text* states, as a probability; None where there is none, or several."""
    if fraction := _FRACTION.findall(text):
        return float(fraction[0]) if len(set(fraction)) == 1 else None
    found = _PERCENTAGE.findall(text)
    marked = [number for number, sign in found if sign] or [number for number, _ in found]
    return float(marked[0]) / 100.0 if len(set(marked)) == 1 else None


def _asked(model: Askable, question: str, times: int) -> list[Reply]:
    asked = model if isinstance(model, Model) else Model.of(model)
    ask = Ask(asked, Request(question))
    if times == 1:
        return [ask.answer()]
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(lambda _: ask.answer(), range(times)))
