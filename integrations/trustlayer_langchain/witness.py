"""What happens inside of a chain while it answers once: documents, tokens, probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any, cast
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, LLMResult

from trustlayer import Price, Reply, Token


class Witness(BaseCallbackHandler):
    """Sees one call of one chain, so that concurrent calls cannot be taken for each other.

    Documents and tool results are kept by the id of the run that found them: a step that is
    retried under the same id counts once.
    """

    run_inline = True  # an event must be seen before the chain returns

    def __init__(self) -> None:
        self._found: dict[UUID, tuple[str, ...]] = {}
        self._replies: dict[UUID, AIMessage | None] = {}

    @property
    def context(self) -> tuple[str, ...]:
        """The distinct texts that retrievers and tools gave, in order."""
        return tuple(dict.fromkeys(text for found in self._found.values() for text in found))

    @property
    def tokens(self) -> tuple[int | None, int | None]:
        """The tokens read and written by all models asked; None when one did not count."""
        usages = [_usage(reply) for reply in self._replies.values()]
        counted = [usage for usage in usages if usage]
        if not counted or len(counted) < len(usages):
            return None, None
        return sum(u["input_tokens"] for u in counted), sum(u["output_tokens"] for u in counted)

    @property
    def model(self) -> str | None:
        """The name that the last model's service gave."""
        return _name(self._last)

    def cost(self, prices: Mapping[str, Price]) -> float | None:
        """What all models asked cost together; None when the price of one is not known."""
        costs = [_cost(reply, prices) for reply in self._replies.values()]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if known and len(known) == len(costs) else None

    def logprobs(self, text: str) -> tuple[float, ...] | None:
        """The logarithms of the token probabilities, if the last model wrote just *text*."""
        if self._last is None or str(self._last.text).strip() != text.strip():
            return None
        return logprobs_of(self._last)

    def pieces(self, text: str) -> tuple[Token, ...]:
        """The tokens of *text* with their alternatives, if the last model wrote just that."""
        return () if self._last is None or self.logprobs(text) is None else pieces_of(self._last)

    @property
    def _last(self) -> AIMessage | None:
        return next(reversed(self._replies.values()), None)

    def on_retriever_end(
        self, documents: Sequence[Document], *, run_id: UUID, **kwargs: Any
    ) -> None:
        self._found[run_id] = tuple(document.page_content for document in documents)

    def on_tool_end(self, output: Any, *, run_id: UUID, **kwargs: Any) -> None:
        text = str(output.text) if isinstance(output, BaseMessage) else output
        if isinstance(text, str) and text:
            self._found[run_id] = (text,)

    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        pass  # otherwise the messages are made into strings for nothing

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        generations = response.generations[0] if response.generations else []
        first = generations[0] if generations else None
        message = first.message if isinstance(first, ChatGeneration) else None
        self._replies[run_id] = message if isinstance(message, AIMessage) else None


def _name(message: AIMessage | None) -> str | None:
    metadata = message.response_metadata if message else {}
    name = metadata.get("model_name") or metadata.get("model")
    return name if isinstance(name, str) else None


def _usage(message: AIMessage | None) -> UsageMetadata | None:
    # An answer out of LangChain's cache has a usage, but of no tokens.
    usage = message.usage_metadata if message else None
    return usage if usage and {"input_tokens", "output_tokens"} <= usage.keys() else None


def _cost(message: AIMessage | None, prices: Mapping[str, Price]) -> float | None:
    name, usage = _name(message), _usage(message)
    if name is None or not usage:
        return None
    # Services add a date to the name: gpt-4o-2024-08-06.
    fitting = [known for known in prices if name == known or name.startswith(f"{known}-")]
    reply = Reply("", tokens_in=usage["input_tokens"], tokens_out=usage["output_tokens"])
    return prices[max(fitting, key=len)].of(reply) if fitting else None


def logprobs_of(message: AIMessage) -> tuple[float, ...] | None:
    """The token log probabilities that came with *message*, in the way of OpenAI."""
    held: object = message.response_metadata.get("logprobs")
    found = cast("dict[str, Any]", held).get("content") if isinstance(held, dict) else None
    content = cast("list[dict[str, Any]]", found or [])
    if not content:
        return None
    values: list[Any] = [token.get("logprob") for token in content]
    if not all(isinstance(value, float | int) and not isnan(value) for value in values):
        return None
    return tuple(min(0.0, float(value)) for value in values)  # rounding may pass zero


def pieces_of(message: AIMessage) -> tuple[Token, ...]:
    """The tokens that came with *message*, in the way of OpenAI; none if any lacks its text."""
    held: object = message.response_metadata.get("logprobs")
    found = cast("dict[str, Any]", held).get("content") if isinstance(held, dict) else None
    try:
        return tuple(map(_piece, cast("list[dict[str, Any]]", found or [])))
    except (KeyError, TypeError, ValueError):
        return ()


def _piece(token: Mapping[str, Any]) -> Token:
    others = [float(other["logprob"]) for other in token.get("top_logprobs") or ()]
    logprob = min(0.0, float(token["logprob"]))
    return Token(token["token"], logprob, tuple(min(0.0, other) for other in others))
