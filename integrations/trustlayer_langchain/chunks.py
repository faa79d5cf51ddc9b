"""An accepted message as a stream shows it: in one chunk."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from typing import Any, cast

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    BaseCallbackHandler,
    CallbackManagerForLLMRun,
)
from langchain_core.messages import AIMessage, AIMessageChunk, ToolCallChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from trustlayer_langchain.quiet import streams


def told(
    message: AIMessage, run: CallbackManagerForLLMRun | None, options: Mapping[str, Any]
) -> ChatResult:
    """*message* as a result; whoever listens to tokens hears it as one."""
    result = ChatResult(generations=[ChatGeneration(message=message)])
    if run is not None and _heard(run.handlers, options):
        run.on_llm_new_token(str(message.text), chunk=generation_of(result))
    return result


async def atold(
    message: AIMessage, run: AsyncCallbackManagerForLLMRun | None, options: Mapping[str, Any]
) -> ChatResult:
    """Do what `told` does, awaited."""
    result = ChatResult(generations=[ChatGeneration(message=message)])
    if run is not None and _heard(run.handlers, options):
        await run.on_llm_new_token(str(message.text), chunk=generation_of(result))
    return result


def _heard(handlers: list[BaseCallbackHandler], options: Mapping[str, Any]) -> bool:
    return bool(options.get("stream")) or any(map(streams, handlers))


def generation_of(result: ChatResult) -> ChatGenerationChunk:
    """The message of *result* as the one chunk of a stream."""
    return ChatGenerationChunk(message=chunk_of(cast("AIMessage", result.generations[0].message)))


def chunk_of(message: AIMessage) -> AIMessageChunk:
    """All of *message* as the one chunk of a stream."""
    names = set(AIMessage.model_fields) - {"type", "tool_calls", "invalid_tool_calls"}
    fields = {name: getattr(message, name) for name in names}
    calls = [
        ToolCallChunk(name=call["name"], args=dumps(call["args"]), id=call["id"], index=place)
        for place, call in enumerate(message.tool_calls)
    ]
    return AIMessageChunk(**fields, tool_call_chunks=calls, chunk_position="last")
