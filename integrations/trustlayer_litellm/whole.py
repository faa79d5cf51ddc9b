"""Streams that are held back until all of an answer is there, and has passed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import litellm
from litellm.types.utils import Choices, Delta, Message, TextChoices

from trustlayer_litellm.answers import Choice
from trustlayer_litellm.requests import Body
from trustlayer_litellm.streams import chunk_like, telling, usage_chunk, without_reasoning


def gathered(chunks: Sequence[Any]) -> Any:
    """The response that *chunks* stream, with one choice for each index among them."""
    indices = sorted({choice.index for chunk in chunks for choice in chunk.choices})
    choices = [_choice(chunks, index) for index in indices] or [_empty()]
    response: Any = litellm.ModelResponse(model=_model(chunks))
    response.choices = choices
    usage = next((c.usage for c in reversed(chunks) if getattr(c, "usage", None)), None)
    if usage is not None:
        response.usage = usage
    return response


def _model(chunks: Sequence[Any]) -> str | None:
    return next((chunk.model for chunk in chunks if getattr(chunk, "model", None)), None)


def _choice(chunks: Sequence[Any], index: int) -> Choice:
    own = [only(chunk, index) for chunk in chunks if _has(chunk, index)]
    last = [c.choices[0].finish_reason for c in own if c.choices[0].finish_reason]
    if not hasattr(own[0].choices[0], "delta"):
        text = "".join(str(c.choices[0].text or "") for c in own)
        return TextChoices(finish_reason=last[-1] if last else "stop", index=index, text=text)
    built: Any = litellm.stream_chunk_builder(own)
    found: Any = built.choices[0] if built is not None and built.choices else _empty()
    refused = "".join(str(getattr(c.choices[0].delta, "refusal", None) or "") for c in own)
    if refused and not found.message.content:
        found.message.content = refused
    return cast("Choice", found.model_copy(update={"index": index}))


def _empty() -> Choices:
    return Choices(finish_reason="stop", index=0, message=Message(role="assistant", content=""))


def _has(chunk: Any, index: int) -> bool:
    return any(choice.index == index for choice in chunk.choices)


def only(chunk: Any, index: int) -> Any:
    """*chunk* with that choice alone, at the index zero."""
    [choice] = [c for c in chunk.choices if c.index == index][:1]
    return chunk.model_copy(update={"choices": [choice.model_copy(update={"index": 0})]})


def released(
    chunks: Sequence[Any],
    before: Sequence[Choice],
    after: Sequence[Choice],
    told: Body,
    *,
    reasoning: bool,
    usage: bool,
) -> list[Any]:
    """The stream that the client gets: what it was where it was accepted, else what took its place.

    *before* are the choices that the model gave and *after* those that are handed out.
    """
    template = chunks[0] if chunks else None
    made: list[Any] = []
    for given, kept in zip(before, after, strict=True):
        same = bool(chunks) and _same(given, kept)
        made += _as_it_was(chunks, given.index, reasoning) if same else _anew(template, kept)
    telling(made[-1], told)
    last = next((c.usage for c in reversed(chunks) if getattr(c, "usage", None)), None)
    return [*made, usage_chunk(template, last)] if usage and last is not None else made


def _same(given: Choice, kept: Choice) -> bool:
    if isinstance(given, TextChoices) or isinstance(kept, TextChoices):
        return getattr(given, "text", None) == getattr(kept, "text", "")
    return (
        given.message.content == kept.message.content
        and given.message.tool_calls == kept.message.tool_calls
    )


def _as_it_was(chunks: Sequence[Any], index: int, reasoning: bool) -> Iterator[Any]:
    for chunk in chunks:
        if _has(chunk, index):
            [choice] = [c for c in chunk.choices if c.index == index][:1]
            own = chunk.model_copy(update={"choices": [choice]})
            if hasattr(own, "usage"):
                own.usage = None
            yield own if reasoning else without_reasoning(own)


def _anew(template: Any, kept: Choice) -> Iterator[Any]:
    if isinstance(kept, TextChoices):
        delta = Delta(content=kept.text)
    else:
        calls = kept.message.tool_calls or []
        numbered = [{"index": n, **call.model_dump()} for n, call in enumerate(calls)]
        delta = Delta(role="assistant", content=kept.message.content, tool_calls=numbered or None)
    yield chunk_like(template, delta, None, None, "", kept.index)
    yield chunk_like(template, Delta(), kept.finish_reason, None, "", kept.index)
