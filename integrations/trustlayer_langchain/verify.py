"""`verify`: a step that examines the answer before it, and asks nobody again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from langchain_core.runnables import RunnablePassthrough

from trustlayer import Outcome, Verifier
from trustlayer_langchain.answers import refusal_text
from trustlayer_langchain.reading import Reading
from trustlayer_langchain.trusted import Trusted


def verify(
    verifier: Verifier,
    *,
    answer: str = "answer",
    question: str = "question",
    context: str = "context",
    tools: bool = False,
    refusal: Callable[[Outcome], str] = refusal_text,
    name: str = "verify",
) -> Trusted:
    """Make a step from an answer to itself, if it is accepted, or to a `Refusal`.

    Its input is an answer alone, or a dict with the answer, the question and the passages
    under these keys. Steps before it stream as they please: to hold their drafts back, wrap
    them by `trusted`.
    """

    def taken(given: Any) -> Any:
        return given[answer] if _holds(given, answer) else given

    def passages(given: Any) -> Any:
        return given[context] if _holds(given, context) else ()

    once = replace(verifier, models=(), policy=replace(verifier.policy, revisions=0))
    reading = Reading(question, taken, passages, tools, given=True)
    chain: RunnablePassthrough[Any] = RunnablePassthrough()
    return Trusted(chain, once, (), reading, refusal, name)


def _holds(given: Any, key: str) -> bool:
    return isinstance(given, Mapping) and key in given
