"""Asking again: the model that the client chose, the proxy's other models, the verifier's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trustlayer import Model, Reply, Request, Unexamined
from trustlayer.model import Askable
from trustlayer_litellm.answers import reply_of
from trustlayer_litellm.requests import Asked, Body

# What of a request is said again; whatever else the proxy has put into it stays there.
SAID_AGAIN = frozenset(
    {
        *("temperature", "top_p", "seed", "stop", "user", "timeout", "service_tier", "verbosity"),
        *("max_tokens", "max_completion_tokens", "presence_penalty", "frequency_penalty"),
        *("logit_bias", "logprobs", "top_logprobs", "response_format", "reasoning_effort"),
        *("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"),
    }
)
Complete = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Again:
    """Puts the question of *body* again; *complete* is LiteLLM's ``acompletion``."""

    body: Body
    complete: Complete
    declared: tuple[Unexamined, ...]

    async def ask(self, model: str, request: Request) -> Reply:
        """Raises what LiteLLM raises."""
        response = await self.complete(**self._call(model, request))
        return reply_of(response, response.choices[0], self.declared)

    async def stream(self, model: str, request: Request) -> AsyncIterator[Any]:
        """The chunks of an answer; raises what LiteLLM raises."""
        options = {"stream": True, "stream_options": {"include_usage": True}}
        chunks = await self.complete(**self._call(model, request), **options)
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            await closed(chunks)

    def _call(self, model: str, request: Request) -> Body:
        kept = {name: self.body[name] for name in SAID_AGAIN if self.body.get(name) is not None}
        return {
            **kept,
            "model": model,
            "messages": self._messages(request),
            "metadata": self._metadata(),
        }

    def _messages(self, request: Request) -> list[Body]:
        given: list[Body] | None = self.body.get("messages")
        said = [{"role": "user", "content": request.prompt}] if given is None else list(given)
        return [*said, {"role": "user", "content": request.advice}] if request.advice else said

    def _metadata(self) -> Body:
        # Whoever asked first is charged for what is asked on their behalf.
        given: Body = self.body.get("metadata") or self.body.get("litellm_metadata") or {}
        return {key: value for key, value in given.items() if key.startswith("user_api_key")}


def ladder(
    asked: Asked,
    first: Reply | None,
    body: Body,
    fallbacks: Sequence[str],
    own: Sequence[Askable],
    complete: Complete,
) -> list[Model]:
    """The models to ask for *asked*: the client's, whose *first* answer is there, then others."""
    again = Again(body, complete, asked.unexamined)
    waiting = [] if first is None else [first]
    names = [str(body.get("model")), *fallbacks]
    return [*(_rung(name, again, waiting) for name in names), *declaring(own, asked)]


def _rung(name: str, again: Again, waiting: list[Reply]) -> Model:
    async def ask(request: Request) -> Reply:
        return waiting.pop() if waiting else await again.ask(name, request)

    return Model(name, ask)


def declaring(models: Sequence[Askable], asked: Asked) -> list[Model]:
    """The verifier's own *models*, their answers declaring what of the prompt nobody sees."""
    return [_declaring(m if isinstance(m, Model) else Model.of(m), asked) for m in models]


def _declaring(model: Model, asked: Asked) -> Model:
    if not asked.unexamined:
        return model

    def ask(request: Request) -> Any:
        answer = model.ask(request)
        reply = Reply(answer) if isinstance(answer, str) else answer
        if not isinstance(reply, Reply):
            raise TypeError(f"the model {model.name!r} has to answer at once: text, or a Reply")
        return replace(reply, unexamined=(*reply.unexamined, *asked.unexamined))

    return replace(model, ask=ask, stream=None)


async def closed(chunks: Any) -> None:
    """Have whoever streams *chunks* stop."""
    if (close := getattr(chunks, "aclose", None)) is not None:
        await close()


def completion() -> Complete:
    """How the proxy at work asks its models."""
    import litellm
    from litellm.proxy import proxy_server

    return (
        litellm.acompletion
        if proxy_server.llm_router is None
        else proxy_server.llm_router.acompletion
    )
