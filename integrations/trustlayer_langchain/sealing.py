"""Messages as they leave for a model: placeholders in the place of personal data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from trustlayer import TrustlayerError
from trustlayer.privacy import Recogniser
from trustlayer.privacy.placeholders import Ledger

T = TypeVar("T")
# Blocks whose texts can be looked through; whatever else there is, is not text.
LEGIBLE = frozenset(
    {
        *("text", "text-plain", "input_text", "output_text", "refusal", "reasoning", "thinking"),
        *("tool_use", "tool_call", "tool_call_chunk", "tool_result", "invalid_tool_call"),
        *("function_call", "server_tool_call"),
    }
)
_NOT_SENT = frozenset({"response_metadata", "usage_metadata", "artifact", "type"})


class Leak(TrustlayerError):
    """Personal data would have left, or what nobody can look through: nothing has left."""


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """*messages* as they leave; the *ledger* knows what their placeholders stand for."""

    messages: tuple[BaseMessage, ...]
    ledger: Ledger = field(repr=False)


def sealed(
    messages: Sequence[BaseMessage],
    options: Mapping[str, Any],
    recognisers: Sequence[Recogniser] | None,
    passes: frozenset[str],
) -> Sealed:
    """*messages* with placeholders; raises Leak where a value would leave with the *options*."""
    ledger = Ledger(recognisers)
    for message in messages:
        _expect_legible(message, passes)
        for text in _texts(_outgoing(message)):
            ledger.note(text)
    away = tuple(_message(message, ledger) for message in messages)
    _expect_sealed(away, options, ledger)
    return Sealed(away, ledger)


def replaced(value: T, replace: Callable[[str], str], skip: frozenset[str] = frozenset()) -> T:
    """*value*, a structure of dicts and lists, with every text in it replaced; keys stay."""
    if isinstance(value, str):
        return cast("T", replace(value))
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        made = {k: v if k in skip else replaced(v, replace, skip) for k, v in pairs}
        return cast("T", made)
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return cast("T", [replaced(item, replace, skip) for item in items])
    return value


# What names things rather than saying something: a placeholder would break it.
NAMES = frozenset(
    {"type", "id", "index", "tool_call_id", "call_id", "signature", "encrypted_content"}
)


def _message(message: BaseMessage, ledger: Ledger) -> BaseMessage:
    update = replaced(_outgoing(message), ledger.sealed, NAMES)
    if isinstance(message, ToolMessage):
        update["artifact"] = None
    return message.model_copy(update=update)


def _outgoing(message: BaseMessage) -> dict[str, Any]:
    """The fields of *message* that hold texts and may be sent."""
    fields: dict[str, Any] = {"content": message.content}
    fields["additional_kwargs"] = message.additional_kwargs
    if message.name is not None:
        fields["name"] = message.name
    if isinstance(message, AIMessage):
        fields["tool_calls"] = message.tool_calls
        fields["invalid_tool_calls"] = message.invalid_tool_calls
    return fields


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, object]", value).items():
            if key not in NAMES:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _texts(inner)


def _expect_legible(message: BaseMessage, passes: frozenset[str]) -> None:
    content = message.content
    for block in [] if isinstance(content, str) else content:
        kind = "text" if isinstance(block, str) else str(block.get("type"))
        if kind in LEGIBLE or kind in passes:
            continue
        error = Leak(f"a message holds a part of the kind {kind!r}, which cannot be looked through")
        error.add_note(f"leave it out, or let it pass as it is: Vault(model, passes=[{kind!r}])")
        raise error


def _expect_sealed(away: Sequence[BaseMessage], options: Mapping[str, Any], ledger: Ledger) -> None:
    for number, message in enumerate(away, 1):
        kinds = (ledger.leak(text) for text in _texts(_outgoing(message)))
        _expect_none(next(filter(None, kinds), None), f"message {number}")
    # As a whole, too: what names things, what tools are told, and whatever else goes along.
    sent = [message.model_dump(exclude=set(_NOT_SENT), mode="json") for message in away]
    whole = json.dumps([sent, options], ensure_ascii=False, default=str)
    _expect_none(ledger.holds(whole), "the request, outside of its texts")


def _expect_none(kind: str | None, where: str) -> None:
    if kind is None:
        return
    error = Leak(f"{where} would still hold a value of the kind {kind!r}: nothing has left")
    error.add_note("take it out of the prompt, of ids and names, and of what tools are told")
    raise error
