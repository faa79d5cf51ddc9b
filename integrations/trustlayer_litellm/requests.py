"""What a request to the proxy asks: the prompt, the passages, and what no detector can see."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from trustlayer import Request, Unexamined

Body = dict[str, Any]
OWN = "trustlayer"  # the key in the metadata of a request that is ours
PLACES = ("system", "tool")  # the roles whose messages are passages
_ALIKE = {"developer": "system", "function": "tool"}
_SEEN = frozenset({"text", "input_text", "output_text", "refusal"})
_KINDS = {"image_url": "image", "input_image": "image", "input_audio": "audio"}


@dataclass(frozen=True, slots=True)
class Own:
    """What a client tells us in ``metadata.trustlayer``; *context* is None where it tells none."""

    context: tuple[str, ...] | None = None
    correlation: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: *unexamined* declares what is in its messages and is no text."""

    request: Request
    unexamined: tuple[Unexamined, ...]
    correlation: Mapping[str, str]


class BadMetadata(Exception):
    """``metadata.trustlayer`` is not what it has to be."""


def taken(body: Body) -> Own:
    """Take ``metadata.trustlayer`` out of *body*, so that it neither leaves nor is logged.

    Raises BadMetadata.
    """
    found: object = None
    for name in ("metadata", "litellm_metadata"):
        for holder in _holders(body.get(name)):
            given = holder.pop(OWN, None)
            found = given if found is None else found
    return Own() if found is None else _own(found)


def _holders(metadata: object) -> Iterator[Body]:
    # The proxy keeps a copy of what the client sent beside it.
    if isinstance(metadata, dict):
        found = cast("Body", metadata)
        yield found
        for inner in ("requester_metadata", "spend_logs_metadata"):
            if isinstance(found.get(inner), dict):
                yield found[inner]


def _own(given: object) -> Own:
    if isinstance(given, str):  # the values of OpenAI's metadata are texts
        try:
            given = json.loads(given)
        except ValueError as error:
            raise BadMetadata("metadata.trustlayer: found a text that is not JSON") from error
    if not isinstance(given, dict):
        kind = type(given).__name__
        raise BadMetadata(f"metadata.trustlayer: found {kind}; expected an object")
    told = cast("Body", given)
    if unknown := set(told) - {"context", "correlation"}:
        names = ", ".join(sorted(unknown))
        raise BadMetadata(f"metadata.trustlayer: found {names}; expected context or correlation")
    return Own(_context(told.get("context")), _correlation(told.get("correlation")))


def _context(given: object) -> tuple[str, ...] | None:
    if given is None:
        return None
    passages: list[object] = [given] if isinstance(given, str) else cast("list[object]", given)
    if not isinstance(passages, list) or not all(isinstance(p, str) for p in passages):
        raise BadMetadata("metadata.trustlayer.context: expected a text or a list of texts")
    return tuple(cast("list[str]", passages))


def _correlation(given: object) -> tuple[tuple[str, str], ...]:
    pairs = {} if given is None else given
    if not isinstance(pairs, dict):
        raise BadMetadata("metadata.trustlayer.correlation: expected an object of texts")
    found = cast("dict[object, object]", pairs)
    if not all(isinstance(item, str) for pair in found.items() for item in pair):
        raise BadMetadata("metadata.trustlayer.correlation: expected an object of texts")
    return tuple(cast("dict[str, str]", found).items())


def asked(body: Body, own: Own, places: Sequence[str] = PLACES) -> Asked:
    """What the chat request *body* asks; its passages are those of *own*, or else in *places*.

    What tools have answered is always among them.
    """
    messages = cast("list[Body]", body.get("messages") or [])
    roles = [_role(message) for message in messages]
    last = max((n for n, role in enumerate(roles) if role == "user"), default=len(messages) - 1)
    wanted = set(places) if own.context is None else {"tool"}
    found = [
        text_of(message)
        for message, role in zip(messages, roles, strict=True)
        if role in wanted and text_of(message).strip()
    ]
    prompt = text_of(messages[last]) if messages else ""
    context = tuple(dict.fromkeys([*(own.context or ()), *found]))
    declared = dict.fromkeys(kind for message in messages for kind in _unseen(message))
    return Asked(Request(prompt, context), tuple(declared), _ids(body, own))


def prompts(body: Body, own: Own) -> list[Asked]:
    """What the text completion *body* asks: it may hold several prompts at once."""
    given = body.get("prompt")
    texts = cast("list[object]", given) if isinstance(given, list) else [given]
    context = own.context or ()
    return [
        Asked(Request(text, context), (), _ids(body, own))
        if isinstance(text, str)
        else Asked(Request("", context), (_tokens(),), _ids(body, own))
        for text in texts
    ]


def _tokens() -> Unexamined:
    return Unexamined("tokens", "the prompt is given as numbers of tokens, which nobody reads")


def _ids(body: Body, own: Own) -> dict[str, str]:
    call = body.get("litellm_call_id")
    return {**dict(own.correlation), **({"litellm_call_id": str(call)} if call else {})}


def text_of(message: Mapping[str, Any]) -> str:
    """The text in a message, in one piece or in parts."""
    content: object = message.get("content")
    if isinstance(content, str):
        return content
    parts: list[Any] = content if isinstance(content, list) else []
    return "\n".join(str(_text(part)) for part in parts if _text(part))


def _text(part: Any) -> object:
    return part if isinstance(part, str) else part.get("text") or part.get("refusal")


def _unseen(message: Mapping[str, Any]) -> Iterator[Unexamined]:
    content: object = message.get("content")
    parts: list[Any] = content if isinstance(content, list) else []
    for part in parts:
        kind = "text" if isinstance(part, str) else str(part.get("type"))
        if kind not in _SEEN:
            named = _KINDS.get(kind, kind)
            yield Unexamined(named, f"the prompt holds a part of the kind {kind}, which is no text")


def _role(message: Mapping[str, Any]) -> str:
    role = str(message.get("role"))
    return _ALIKE.get(role, role)
