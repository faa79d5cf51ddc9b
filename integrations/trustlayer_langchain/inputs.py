"""The question in an input, and the same input asking it again with advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import (
    BaseMessage,
    HumanMessage,
    ToolMessage,
    convert_to_messages,
)
from langchain_core.prompt_values import PromptValue

from trustlayer import Request, TrustlayerError

QUESTION_KEYS = ("question", "input", "query", "prompt", "messages")


class NoQuestion(TrustlayerError):
    """Nothing in the input of a chain can be taken for the question."""


def question_of(given: Any, key: str | None = None) -> str:
    """The question in *given*: a str, a dict with it under *key*, or its last human message."""
    if isinstance(given, str):
        return given
    if isinstance(given, Mapping):
        found = cast("Mapping[str, Any]", given)
        return question_of(found[key_of(found, key)])
    messages = messages_of(given)
    asked = [message for message in messages if isinstance(message, HumanMessage)]
    return str((asked or messages)[-1].text)


def asking_again(given: Any, request: Request, key: str | None = None) -> Any:
    """*given* with the advice of *request* where the question was, or after it."""
    if isinstance(given, str):
        return request.question
    if isinstance(given, Mapping):
        found = cast("Mapping[str, Any]", given)
        place = key_of(found, key)
        return {**found, place: asking_again(found[place], request)}
    return [*messages_of(given), HumanMessage(request.advice)]


def key_of(given: Mapping[str, Any], key: str | None) -> str:
    """The key of the question: *key*, or the first usual one; raises NoQuestion."""
    for name in QUESTION_KEYS if key is None else (key,):
        if name in given:
            return name
    wanted = repr(key) if key else " or ".join(map(repr, QUESTION_KEYS))
    error = NoQuestion(f"the input has the keys {', '.join(map(repr, given))}, expected {wanted}")
    error.add_note('name the key of the question: trusted(chain, verifier, question="...")')
    raise error


def messages_of(given: Any) -> list[BaseMessage]:
    """The messages in *given*: one, several, or a prompt value; raises NoQuestion."""
    if isinstance(given, PromptValue):
        return given.to_messages()
    if isinstance(given, BaseMessage):
        return [given]
    kind = type(given).__name__
    if isinstance(given, Sequence) and given:
        return convert_to_messages(cast("Any", given))
    error = NoQuestion(f"the input is of type {kind}, expected a str, a dict or messages")
    error.add_note("put a step before the chain that makes one of these of it")
    raise error


def tool_results(given: Any, key: str | None = None) -> tuple[str, ...]:
    """What tools have answered so far, where *given* is a conversation."""
    if isinstance(given, Mapping):
        found = cast("Mapping[str, Any]", given)
        return tool_results(found.get(key or "messages"))
    if isinstance(given, str) or not isinstance(given, PromptValue | Sequence):
        return ()
    messages = messages_of(given) if given else []
    return tuple(str(m.text) for m in messages if isinstance(m, ToolMessage))
