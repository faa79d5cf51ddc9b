"""Answers as they come back: the values in the place of their placeholders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from trustlayer import Span
from trustlayer.privacy.placeholders import Ledger, Restoring
from trustlayer_langchain.sealing import NAMES, replaced

TOLD = "vault"  # in the metadata of a message


def restored(message: BaseMessage, ledger: Ledger) -> BaseMessage:
    """*message* with its values, telling of the placeholders that its model has invented."""
    invented: list[tuple[str, Span]] = []

    def text(given: str) -> str:
        restoring = Restoring(ledger, quoted=_is_json(given), invented=invented)
        return restoring.whole(given)

    def argument(given: str) -> str:
        return Restoring(ledger).whole(given)

    update: dict[str, Any] = {"content": replaced(cast("Any", message.content), text, NAMES)}
    update["additional_kwargs"] = replaced(message.additional_kwargs, text, NAMES)
    if isinstance(message, AIMessage):
        calls = [dict(call) for call in message.tool_calls]
        update["tool_calls"] = [replaced(call, argument, NAMES) for call in calls]
        wrong = [dict(call) for call in message.invalid_tool_calls]
        update["invalid_tool_calls"] = [replaced(call, text, NAMES) for call in wrong]
    if invented:
        update["response_metadata"] = {**message.response_metadata, **_told(invented)}
    return message.model_copy(update=update)


def _is_json(text: str) -> bool:
    return text.lstrip()[:1] == "{"


def _told(invented: Sequence[tuple[str, Span]]) -> dict[str, Any]:
    rows = [{"placeholder": p, "start": s.start, "end": s.end} for p, s in invented]
    return {TOLD: {"invented": rows}}


@dataclass(slots=True, repr=False)
class Unsealing:
    """Restores a streamed answer: a placeholder may be split over its chunks."""

    ledger: Ledger
    _texts: dict[object, Restoring] = field(default_factory=dict[object, Restoring])
    _calls: dict[object, Restoring] = field(default_factory=dict[object, Restoring])

    def feed(self, chunk: ChatGenerationChunk) -> ChatGenerationChunk:
        """*chunk* as far as it can be given out already."""
        message = cast("AIMessageChunk", chunk.message)
        fields = {name: getattr(message, name) for name in type(message).model_fields}
        for derived in ("type", "tool_calls", "invalid_tool_calls"):
            fields.pop(derived, None)
        fields["content"] = self._content(message.content)
        fields["tool_call_chunks"] = [
            {**call, "args": self._call(call.get("index")).feed(call.get("args") or "")}
            for call in message.tool_call_chunks
        ]
        fields["chunk_position"] = None  # what is held back is still to come
        return ChatGenerationChunk(
            message=AIMessageChunk(**fields), generation_info=chunk.generation_info
        )

    def flush(self) -> ChatGenerationChunk:
        """What is left, the answer having ended."""
        texts = {key: restoring.flush() for key, restoring in self._texts.items()}
        blocks = [
            {"type": "text", "text": text, "index": key}
            for key, text in texts.items()
            if key is not None and text
        ]
        calls = [
            {"index": key, "args": rest, "id": None, "name": None, "type": "tool_call_chunk"}
            for key, restoring in self._calls.items()
            if (rest := restoring.flush())
        ]
        invented = [found for restoring in self._texts.values() for found in restoring.invented]
        message = AIMessageChunk(
            content=cast("Any", blocks or texts.get(None, "")),
            tool_call_chunks=cast("Any", calls),
            response_metadata=_told(invented) if invented else {},
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message)

    def _content(self, content: Any) -> Any:
        if isinstance(content, str):
            return self._text(None, content).feed(content)
        blocks = cast("list[Any]", content)
        return [self._block(block) for block in blocks]

    def _block(self, block: Any) -> Any:
        if isinstance(block, str):
            return self._text(None, block).feed(block)
        told = cast("dict[str, Any]", block)
        if isinstance(told.get("text"), str):
            key = told.get("index", 0)
            return {**told, "text": self._text(key, told["text"]).feed(told["text"])}
        return replaced(told, lambda text: Restoring(self.ledger).whole(text), NAMES)

    def _text(self, key: object, piece: str) -> Restoring:
        known = self._texts.get(key)
        if known is None or (not known.begun and piece.strip()):
            self._texts[key] = Restoring(self.ledger, quoted=_is_json(piece))
        return self._texts[key]

    def _call(self, key: object) -> Restoring:
        return self._calls.setdefault(key, Restoring(self.ledger, quoted=True))
