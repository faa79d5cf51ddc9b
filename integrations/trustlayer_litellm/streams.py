"""Streamed answers: let through sentence by sentence, or held back whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from litellm.types.utils import (
    Delta,
    ModelResponseStream,
    StreamingChoices,
    TextChoices,
    TextCompletionResponse,
)

from trustlayer import Model, Outcome, Reply, Request, Verifier
from trustlayer.model import Answer
from trustlayer.policy import Strategy
from trustlayer_litellm.answers import HIDDEN, refusal_text, summary
from trustlayer_litellm.ladder import Again, Complete, closed, declaring
from trustlayer_litellm.requests import OWN, Asked, Body

_UNSEEN = {"tool_calls": "tool_call", "function_call": "tool_call", "audio": "audio"}
NEEDY = frozenset({"samples", "logprobs"})  # what a stream does not have


def needs_whole(verifier: Verifier, body: Body, asked: Asked) -> bool:
    """Whether the answer can be judged only once all of it is there."""
    policy = verifier.policy
    streamed = policy.certificate is None or policy.certificate.streamed
    needs = {
        part for d in verifier.detectors for n in getattr(d, "needs", ()) for part in n.split("|")
    }
    return bool(
        (body.get("n") or 1) != 1
        or body.get("tools")
        or body.get("functions")
        or _structured(body)
        or asked.unexamined
        or policy.sampling
        or verifier.thrift
        or not streamed
        or needs & NEEDY
        or set(policy.strategies) != {Strategy.REVISE}
    )


def _structured(body: Body) -> bool:
    wanted: object = body.get("response_format")
    return wanted is not None and wanted != {"type": "text"}


class NotText(Exception):
    """A stream holds something that no detector examines."""


@dataclass(slots=True)
class Upstream:
    """The stream that the proxy opened, and what it told besides text."""

    chunks: AsyncIterator[Any]
    template: Any = None
    usage: Any = None
    taken: bool = False

    async def texts(self) -> AsyncIterator[Answer]:
        """Its text; raises NotText for anything that is none."""
        self.taken = True
        try:
            async for chunk in self.chunks:
                self.template = self.template or chunk
                text = text_of(chunk)
                self.usage = getattr(chunk, "usage", None) or self.usage
                if text:
                    yield text
            yield reply_of_usage(self.usage, getattr(self.template, "model", None))
        finally:
            await closed(self.chunks)


def text_of(chunk: Any) -> str:
    """The text that *chunk* adds to an answer; raises NotText for what else a client would see."""
    for choice in getattr(chunk, "choices", None) or ():
        delta = getattr(choice, "delta", None)
        if delta is None:
            return str(getattr(choice, "text", None) or "")
        for name, kind in _UNSEEN.items():
            if getattr(delta, name, None):
                raise NotText(f"the stream holds a {kind}, which no detector examines")
        return str(getattr(delta, "content", None) or getattr(delta, "refusal", None) or "")
    return ""


def reply_of_usage(usage: Any, model: str | None) -> Reply:
    return Reply(
        "",
        tokens_in=getattr(usage, "prompt_tokens", None),
        tokens_out=getattr(usage, "completion_tokens", None),
        model=model,
    )


@dataclass(slots=True)
class Sentences:
    """An answer as it passes, sentence by sentence, from *upstream* and from whoever is next."""

    verifier: Verifier
    asked: Asked
    upstream: Upstream
    body: Body
    fallbacks: Sequence[str]
    complete: Complete
    hold: int = 0
    outcome: Outcome | None = None
    _shown: bool = field(default=False)

    async def chunks(self) -> AsyncIterator[Any]:
        """What the client gets: passed text, and at the end the verdict."""
        request = self.asked.request
        verifier = replace(self.verifier, models=self._models())
        stream = verifier.astream(
            request.prompt, request.context, hold=self.hold, correlation=self.asked.correlation
        )
        try:
            async for text in stream:
                yield self._chunk(content=text)
                self._shown = True
        finally:
            await stream.aclose()
            if not self.upstream.taken:
                await closed(self.upstream.chunks)
            self.outcome = stream.outcome
        assert self.outcome is not None
        for chunk in self._end(self.outcome):
            yield chunk

    def _end(self, outcome: Outcome) -> list[Any]:
        told = summary(outcome)
        chunks: list[Any] = []
        if not told["accepted"]:
            text = refusal_text(outcome)
            chunks.append(self._chunk(content=f"\n\n{text}" if self._shown else text))
        chunks.append(self._chunk("stop" if told["accepted"] else "content_filter", told))
        if self.upstream.usage is not None and self._wants_usage:
            chunks.append(usage_chunk(self.upstream.template, self.upstream.usage))
        return chunks

    @property
    def _wants_usage(self) -> bool:
        return bool((self.body.get("stream_options") or {}).get("include_usage"))

    def _models(self) -> list[Model]:
        again = Again(self.body, self.complete, self.asked.unexamined)
        names = [str(self.body.get("model")), *self.fallbacks]
        rungs = [self._rung(name, again) for name in names]
        return [*rungs, *declaring(self.verifier.models, self.asked)]

    def _rung(self, name: str, again: Again) -> Model:
        def stream(request: Request) -> AsyncIterator[Answer]:
            if self.upstream.taken:
                self.upstream = Upstream(again.stream(name, request), self.upstream.template)
            return self.upstream.texts()

        return Model(name, lambda request: "", stream=stream)

    def _chunk(
        self, finish: str | None = None, told: Body | None = None, content: str | None = None
    ) -> Any:
        first = None if self._shown else "assistant"
        delta = Delta(content=content, role=first if content else None)
        return chunk_like(self.upstream.template, delta, finish, told, str(self.body.get("model")))


def chunk_like(
    template: Any, delta: Delta, finish: str | None, told: Body | None, model: str, index: int = 0
) -> Any:
    """A chunk of the stream that *template* is from; *told* is the verdict."""
    named = getattr(template, "model", None) or model
    ids: dict[str, Any] = {
        "id": getattr(template, "id", None),
        "created": getattr(template, "created", None),
    }
    made: Any
    if _is_text_completion(template):
        text = TextChoices(index=index, text=delta.content or "", finish_reason=finish)
        made = TextCompletionResponse(**ids, model=named, choices=[text])
    else:
        choice = StreamingChoices(index=index, delta=delta, finish_reason=finish)
        made = ModelResponseStream(**ids, model=named, choices=[choice])
    return made if told is None else telling(made, told)


def telling(chunk: Any, told: Body) -> Any:
    """*chunk* with the verdict."""
    setattr(chunk, OWN, told)
    if not _is_text_completion(chunk):  # else the proxy would not write what it does not know
        chunk.provider_specific_fields = {**(chunk.provider_specific_fields or {})}
    return chunk


def _is_text_completion(template: Any) -> bool:
    choices = getattr(template, "choices", None) or ()
    return any(not hasattr(choice, "delta") for choice in choices)


def usage_chunk(template: Any, usage: Any) -> Any:
    made = chunk_like(template, Delta(), None, None, "")
    made.choices = []
    made.usage = usage
    return made


def without_reasoning(chunk: Any) -> Any:
    """*chunk* without the thoughts of the model, which no detector has examined."""
    for choice in getattr(chunk, "choices", None) or ():
        for name in HIDDEN:
            if getattr(getattr(choice, "delta", None), name, None) is not None:
                delattr(choice.delta, name)
    return chunk
