"""From what a chain gives to the text that detectors can examine, and what they cannot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from pydantic import BaseModel

from trustlayer import Unexamined

SEEN = frozenset({"text", "text-plain", "invalid_tool_call"})  # blocks that are text, or nothing


@dataclass(frozen=True, slots=True)
class Parts:
    """The text of an output, and a declaration of whatever else is in it."""

    text: str
    unexamined: tuple[Unexamined, ...] = ()


def parts_of(output: object, *, tools: bool = False) -> Parts:
    """Take the text out of *output*: a str, a message, or structured data.

    Structured data becomes lines of the form ``path.to.value: 43``, so that its values can be
    examined like any other claim. Calls of tools are declared unexamined, unless *tools*: then
    their arguments are text too.
    """
    lines, declared = list(_lines(output, "", tools)), list(_declared(output, tools))
    text = "\n".join(lines)
    if not text.strip() and not declared:
        declared.append(Unexamined("answer", "the chain gave no text"))
    return Parts(text, tuple(dict.fromkeys(declared)))


def _lines(value: object, path: str, tools: bool) -> Iterator[str]:
    if isinstance(value, BaseMessage):
        yield from _labelled(str(value.text), path)
        if tools:
            for call in _calls(value):
                yield from _lines(call["args"], call["name"], tools)
    elif isinstance(value, str):
        yield from _labelled(value, path)
    elif isinstance(value, bool | int | float):
        yield from _labelled(json.dumps(value), path)
    elif (pairs := _pairs(value)) is not None:
        for key, item in pairs:
            yield from _lines(item, f"{path}.{key}" if path and key else path or key, tools)


def _labelled(text: str, path: str) -> list[str]:
    if not text:
        return []
    return [f"{path}: {text}" if path else text]


def _declared(value: object, tools: bool) -> Iterator[Unexamined]:
    if isinstance(value, BaseMessage):
        yield from _blocks(value, tools)
    elif (pairs := _pairs(value)) is not None:
        for _, item in pairs:
            yield from _declared(item, tools)
    elif not isinstance(value, str | bool | int | float | None):
        kind = type(value).__name__
        yield Unexamined(kind, f"no text can be taken out of an output of type {kind}")


def _blocks(message: BaseMessage, tools: bool) -> Iterator[Unexamined]:
    for block in message.content_blocks:
        kind = str(block.get("type", "unknown"))
        empty = kind == "reasoning" and not block.get("reasoning")
        if kind in SEEN or empty or (kind == "tool_call" and tools):
            continue
        yield Unexamined(kind, f"the answer holds a {kind} block, which no detector examines")


def _calls(message: BaseMessage) -> Sequence[ToolCall]:
    return message.tool_calls if isinstance(message, AIMessage) else ()


def _pairs(value: object) -> list[tuple[str, object]] | None:
    # The values inside of *value* with their names, or None when it is not structured.
    if isinstance(value, BaseModel):
        return [(name, getattr(value, name)) for name in type(value).model_fields]
    if isinstance(old := getattr(type(value), "__fields__", None), Mapping):  # of pydantic 1
        return [(str(name), getattr(value, name)) for name in cast("Mapping[str, Any]", old)]
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return [(str(key), item) for key, item in cast("Mapping[Any, object]", value).items()]
    if isinstance(value, list | tuple | set | frozenset):
        return [("", item) for item in cast("Sequence[object]", value)]
    return None
