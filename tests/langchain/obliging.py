"""A chat model that does whatever LangChain's standard tests ask of a real one, out of thin air."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool

USAGE = UsageMetadata(input_tokens=7, output_tokens=5, total_tokens=12)
JOKE = {"setup": "Why did the cat sit down?", "punchline": "It was tired."}


class Obliging(BaseChatModel):
    """Calls the tools that are bound, says JSON where a schema is asked for, else is friendly."""

    model_name: str = "obliging-1"

    @property
    def _llm_type(self) -> str:
        return "obliging"

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = LangSmithParams(
            ls_provider="nobody",
            ls_model_name=kwargs.get("model", self.model_name),
            ls_model_type="chat",
        )
        if "max_tokens" in kwargs:
            params["ls_max_tokens"] = kwargs["max_tokens"]
        if stop:
            params["ls_stop"] = stop
        return params

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any) -> Any:
        made = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=made, tool_choice=tool_choice, **kwargs)

    def with_structured_output(
        self, schema: Any, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[Any, Any]:
        if kwargs.get("method") in (None, "function_calling"):
            return super().with_structured_output(schema, include_raw=include_raw)
        told = {"schema": convert_to_json_schema(schema)}
        raw: Any = self.bind(says_json=True, ls_structured_output_format=told)
        parser: Any = JsonOutputParser()
        if isinstance(schema, type) and hasattr(schema, "model_fields"):
            parser = PydanticOutputParser(pydantic_object=schema)
        if not include_raw:
            plain: Runnable[Any, Any] = raw | parser
            return plain
        parsed = RunnablePassthrough.assign(
            parsed=lambda output: parser.invoke(output["raw"]), parsing_error=lambda _: None
        )
        return RunnableMap(raw=raw) | parsed

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._said(messages, kwargs))])

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        said = self._said(messages, kwargs)
        for n, piece in enumerate(re.findall(r"\S*\s*", str(said.text))):
            calls: list[Any] = [
                {"name": c["name"], "args": json.dumps(c["args"]), "id": c["id"], "index": 0}
                for c in said.tool_calls
            ]
            first = {"usage_metadata": USAGE, "tool_call_chunks": calls}
            metadata: dict[str, Any] = (
                {} if n else {"response_metadata": said.response_metadata, **first}
            )
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece, **metadata))

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in self._stream(messages, stop, **kwargs):
            yield chunk

    def _said(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> AIMessage:
        text = "You are welcome."
        calls: list[Any] = []
        if kwargs.get("says_json"):
            text = json.dumps(JOKE)
        elif kwargs.get("tools") and not isinstance(messages[-1], ToolMessage):
            text, calls = "", [_call(messages, kwargs["tools"], kwargs.get("tool_choice"))]
        name = kwargs.get("model", self.model_name)
        return AIMessage(
            text,
            tool_calls=calls,
            usage_metadata=USAGE,
            response_metadata={"model_name": name},
        )


def _call(messages: list[BaseMessage], tools: list[Any], choice: Any) -> dict[str, Any]:
    functions = {tool["function"]["name"]: tool["function"] for tool in tools}
    chosen = functions.get(choice) or next(iter(functions.values()))
    asked = str(messages[-1].text)
    wanted = chosen.get("parameters", {}).get("properties", {})
    args = {name: _value(name, kind, asked) for name, kind in wanted.items()}
    return {"name": chosen["name"], "args": args, "id": "call-1", "type": "tool_call"}


def _value(name: str, kind: Any, asked: str) -> Any:
    if kind.get("type") == "integer":
        found = re.search(r"\d+", asked)
        return int(found[0]) if found else 0
    quoted = re.search(r"'([^']*)'", asked)
    return JOKE.get(name) or (quoted[1] if quoted else "San Francisco")
