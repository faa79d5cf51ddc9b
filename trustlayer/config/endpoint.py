"""Any service that speaks OpenAI's chat completions, asked over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import httpx

from trustlayer.errors import TrustlayerError
from trustlayer.finding import Unexamined
from trustlayer.model import Reply, Request


class BadReply(TrustlayerError):
    """A service answered with something else than a chat completion."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The chat completions of *model* at *url*, which ends before ``/chat/completions``.

    *timeout* is in seconds without a word from the service; *options* go with every request.
    """

    url: str
    model: str
    key: str | None = field(repr=False)
    timeout: float = 60.0
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def ask(self, request: Request) -> Reply:
        """Raises httpx.HTTPError where the service refuses, and BadReply."""
        with self._client() as client:
            response = client.post(self._address, json=self._body(request))
            response.raise_for_status()
            return _reply(_object(response.content))

    def stream(self, request: Request) -> Iterator[str | Reply]:
        """The answer in pieces, and at its end a Reply with the tokens; raises as `ask` does."""
        body = self._body(request) | {"stream": True, "stream_options": {"include_usage": True}}
        with self._client() as client, client.stream("POST", self._address, json=body) as response:
            response.raise_for_status()
            usage: dict[str, Any] = {}
            ended = False
            for line in response.iter_lines():
                if not line.startswith("data:"):
                    continue
                if (data := line.removeprefix("data:").strip()) == "[DONE]":
                    ended = True
                    break
                chunk = _object(data.encode())
                usage = chunk.get("usage") or usage
                yield _piece(chunk)
            if not ended:
                raise BadReply("the stream broke off before its end")
            tokens = _count(usage, "prompt"), _count(usage, "completion")
            yield Reply("", tokens_in=tokens[0], tokens_out=tokens[1])

    @property
    def _address(self) -> str:
        return f"{self.url.rstrip('/')}/chat/completions"

    def _client(self) -> httpx.Client:
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        return httpx.Client(headers=headers, timeout=self.timeout)

    def _body(self, request: Request) -> dict[str, Any]:
        asked = [{"role": "user", "content": request.text}]
        return {"model": self.model, "messages": asked, **self.options}


def _reply(body: Mapping[str, Any]) -> Reply:
    choices: object = body.get("choices")
    first = cast("list[object]", choices)[0] if isinstance(choices, list) and choices else None
    message = cast("dict[str, Any]", first).get("message") if isinstance(first, dict) else None
    if not isinstance(message, dict):
        raise BadReply(f"expected a chat completion, found the keys {', '.join(body) or 'none'}")
    told = cast("dict[str, Any]", message)
    text, usage = told.get("content"), cast("dict[str, Any]", body.get("usage") or {})
    name = body.get("model")
    return Reply(
        text if isinstance(text, str) else "",
        tokens_in=_count(usage, "prompt"),
        tokens_out=_count(usage, "completion"),
        model=name if isinstance(name, str) else None,
        unexamined=_unseen(told),
    )


def _unseen(message: Mapping[str, Any]) -> tuple[Unexamined, ...]:
    if message.get("tool_calls"):
        reason = "the answer calls a tool, which no detector examines"
        return (Unexamined("tool_call", reason),)
    if not isinstance(message.get("content"), str):
        return (Unexamined("answer", "the model gave no text"),)
    return ()


def _piece(chunk: Mapping[str, Any]) -> str:
    if "error" in chunk:
        raise BadReply("the service told of an error in the middle of its stream")
    choices = cast("list[dict[str, Any]]", chunk.get("choices") or [])
    delta = cast("dict[str, Any]", choices[0].get("delta") or {}) if choices else {}
    if delta.get("tool_calls"):
        raise BadReply("the answer calls a tool, which no detector examines")
    text = delta.get("content")
    return text if isinstance(text, str) else ""


def _object(data: bytes) -> dict[str, Any]:
    try:
        found: object = json.loads(data)
    except ValueError as error:
        raise BadReply(f"expected JSON, found {data[:40]!r}") from error
    if not isinstance(found, dict):
        raise BadReply(f"expected a JSON object, found {type(found).__name__}")
    return cast("dict[str, Any]", found)


def _count(usage: Mapping[str, Any], kind: str) -> int | None:
    value = usage.get(f"{kind}_tokens")
    return value if isinstance(value, int) else None
