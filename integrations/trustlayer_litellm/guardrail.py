"""`Trust`: the guardrail by which LiteLLM's proxy hands out examined answers only."""

from __future__ import annotations

import time
from asyncio import to_thread
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

from fastapi import HTTPException
from litellm.integrations.custom_guardrail import CustomGuardrail
from litellm.types.guardrails import GuardrailEventHooks
from litellm.types.utils import ModelResponse, TextCompletionResponse

from trustlayer import Action, Outcome, Verifier
from trustlayer_litellm.answers import headers, refusal_text, summary
from trustlayer_litellm.examining import Examining, verdict
from trustlayer_litellm.ladder import closed, completion
from trustlayer_litellm.requests import OWN, PLACES, Asked, BadMetadata, Body, Own, taken
from trustlayer_litellm.requests import asked as asked_in
from trustlayer_litellm.requests import prompts as prompts_in
from trustlayer_litellm.streams import Sentences, Upstream, needs_whole
from trustlayer_litellm.whole import gathered, released

HOOKS = [
    GuardrailEventHooks.pre_call,
    GuardrailEventHooks.during_call,
    GuardrailEventHooks.post_call,
]
CHAT = frozenset({"completion", "acompletion"})
TEXT = frozenset({"text_completion", "atext_completion"})


class Trust(CustomGuardrail):
    """Has the *verifier* examine every answer of the proxy before its client gets it.

    *fallbacks* are models of the proxy that are asked after the one that the client chose, and
    before those of the verifier. *prompts* names detectors that examine prompts, too.
    *passages* are the roles whose messages answers have to rest on. *refusal* is ``"message"``
    for a text in place of the answer, or ``"error"``. *stream* is ``"auto"``, or ``"whole"``
    to hold every answer back until all of it has passed; *hold*: see `Verifier.stream`.
    """

    def __init__(
        self,
        verifier: Verifier,
        *,
        fallbacks: Sequence[str] = (),
        prompts: Sequence[str] = (),
        passages: Sequence[str] = PLACES,
        refusal: str = "message",
        stream: str = "auto",
        hold: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(supported_event_hooks=HOOKS, **options)
        if not self._at(GuardrailEventHooks.post_call):
            raise ValueError(f"mode: expected post_call among {self.event_hook}")
        self.verifier = verifier
        self.prompts = tuple(prompts)
        self.passages = tuple(passages)
        self.refusal = refusal
        self.stream = stream
        self.hold = hold
        self.fallbacks = tuple(fallbacks)
        self._owns: WeakKeyDictionary[Any, Own] = WeakKeyDictionary()
        self._told: WeakKeyDictionary[Any, list[Body]] = WeakKeyDictionary()

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: Body, call_type: str
    ) -> Body:
        asked = self._asked(data, call_type)
        if call_type not in CHAT | TEXT:
            outcome = await to_thread(self._examining.note, _kind(call_type), asked[0])
            self._log(data, [outcome], GuardrailEventHooks.pre_call, time.time())
            if outcome.action is not Action.ACCEPT:
                self._refuse(data, outcome)
        await self._examine_prompts(data, asked, GuardrailEventHooks.pre_call)
        return data

    async def async_moderation_hook(
        self, data: Body, user_api_key_dict: Any, call_type: str
    ) -> None:
        if call_type in CHAT | TEXT and not self._at(GuardrailEventHooks.pre_call):
            asked = self._asked(data, call_type)
            await self._examine_prompts(data, asked, GuardrailEventHooks.during_call)

    async def async_post_call_success_hook(
        self, data: Body, user_api_key_dict: Any, response: Any
    ) -> Any:
        if not isinstance(response, ModelResponse | TextCompletionResponse):
            return await self._pass_unseen(data, response)
        begun = time.time()
        asked = self._asked(data, "text_completion" if "prompt" in data else "completion")
        choices, outcomes = await self._examining.settle(response, asked, data, completion())
        self._log(data, outcomes, GuardrailEventHooks.post_call, begun)
        if self.refusal == "error" and (bad := _not_accepted(outcomes)):
            self._refuse(data, bad[0])
        response.choices = choices  # type: ignore[assignment]
        setattr(response, OWN, verdict(outcomes))
        return response

    async def async_post_call_streaming_iterator_hook(
        self, user_api_key_dict: Any, response: Any, request_data: Body
    ) -> AsyncGenerator[Any, None]:
        body = request_data
        asked = self._asked(body, "text_completion" if "prompt" in body else "completion")
        if "messages" not in body and "prompt" not in body:
            await closed(response)
            raise HTTPException(422, _detail(f"nobody examines a stream of {_route(body)}"))
        if self.stream == "whole" or len(asked) > 1 or needs_whole(self.verifier, body, asked[0]):
            streamed = self._whole(response, body, asked)
        else:
            streamed = self._sentences(response, body, asked[0])
        try:
            async for chunk in streamed:
                yield chunk
        finally:
            await streamed.aclose()

    async def async_post_call_response_headers_hook(
        self,
        data: Body,
        user_api_key_dict: Any,
        response: Any,
        request_headers: dict[str, str] | None = None,
        litellm_call_info: Mapping[str, object] | None = None,
    ) -> dict[str, str] | None:
        if told := self._told_of(data):
            return headers(told)
        return {"x-trustlayer-action": "pending"} if data.get("stream") else None

    def _at(self, hook: GuardrailEventHooks) -> bool:
        return bool(self._event_hook_is_event_type(hook))

    @property
    def _examining(self) -> Examining:
        return Examining(self.verifier, self.fallbacks)

    async def _sentences(
        self, response: Any, body: Body, asked: Asked
    ) -> AsyncGenerator[Any, None]:
        begun = time.time()
        answer = Sentences(
            self.verifier,
            asked,
            Upstream(response),
            body,
            self.fallbacks,
            completion(),
            self.hold,
        )
        chunks = answer.chunks()
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            await chunks.aclose()  # type: ignore[attr-defined]
            outcomes = [] if answer.outcome is None else [answer.outcome]
            self._log(body, outcomes, GuardrailEventHooks.post_call, begun)

    async def _whole(
        self, response: Any, body: Body, asked: Sequence[Asked]
    ) -> AsyncGenerator[Any, None]:
        begun = time.time()
        outcomes: list[Outcome] = []
        try:
            chunks = [chunk async for chunk in response]
            whole = gathered(chunks)
            before = list(whole.choices)
            after, outcomes = await self._examining.settle(whole, asked, body, completion())
        finally:
            await closed(response)
            self._log(body, outcomes, GuardrailEventHooks.post_call, begun)
        reasoning = "reasoning" in self.verifier.policy.tolerated
        usage = bool((body.get("stream_options") or {}).get("include_usage"))
        for chunk in released(
            chunks, before, after, verdict(outcomes), reasoning=reasoning, usage=usage
        ):
            yield chunk

    async def _examine_prompts(
        self, data: Body, asked: Sequence[Asked], hook: GuardrailEventHooks
    ) -> None:
        for one in asked if self.prompts else ():
            begun = time.time()
            outcome = await to_thread(self._examining.prompt, one, self.prompts)
            self._log(data, [outcome], hook, begun)
            if outcome.action is not Action.ACCEPT:
                self._refuse(data, outcome, 400)

    async def _pass_unseen(self, data: Body, response: Any) -> Any:
        """What is no completion has been decided on before; where it was not, it is now."""
        if not self._told_of(data):
            asked = self._asked(data, "other")[0]
            outcome = await to_thread(self._examining.note, _route(data), asked)
            self._log(data, [outcome], GuardrailEventHooks.post_call, time.time())
            if outcome.action is not Action.ACCEPT:
                self._refuse(data, outcome)
        return response

    def _asked(self, data: Body, call_type: str) -> list[Asked]:
        own = self._own(data)
        if call_type in TEXT:
            return prompts_in(data, own)
        return [asked_in(data, own, self.passages)]

    def _own(self, data: Body) -> Own:
        key = data.get("litellm_logging_obj")
        if key is not None and key in self._owns:
            return self._owns[key]
        try:
            own = taken(data)
        except BadMetadata as error:
            raise HTTPException(400, _detail(str(error))) from error
        if key is not None:
            self._owns[key] = own
        return own

    def _told_of(self, data: Body) -> list[Body]:
        key = data.get("litellm_logging_obj")
        return [] if key is None else self._told.get(key, [])

    def _log(
        self, data: Body, outcomes: Sequence[Outcome], hook: GuardrailEventHooks, begun: float
    ) -> None:
        """Tell LiteLLM's own log what came of it: nothing that was not examined is a success."""
        told = [summary(outcome) for outcome in outcomes]
        if (key := data.get("litellm_logging_obj")) is not None and told:
            self._told[key] = told
        ended = time.time()
        self.add_standard_logging_guardrail_information_to_request_data(
            guardrail_json_response=verdict(outcomes) if told else {"action": "refuse"},
            request_data=data,
            guardrail_status=_status(outcomes),
            start_time=begun,
            end_time=ended,
            duration=ended - begun,
            guardrail_provider=OWN,
            event_type=hook,
        )

    def _refuse(self, data: Body, outcome: Outcome, status: int = 422) -> NoReturn:
        raise HTTPException(status, _detail(refusal_text(outcome), summary(outcome)))


def _detail(message: str, told: Body | None = None) -> Body:
    return {"error": message, **({} if told is None else {OWN: told})}


def _not_accepted(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return [outcome for outcome in outcomes if outcome.action is not Action.ACCEPT]


def _status(outcomes: Sequence[Outcome]) -> Any:
    if not outcomes or any(_unseen(outcome) for outcome in outcomes):
        return "guardrail_failed_to_respond"
    return "guardrail_intervened" if _not_accepted(outcomes) else "success"


def _unseen(outcome: Outcome) -> bool:
    """Whether something in the answer, or all of it, was examined by nobody."""
    best = outcome.best
    if outcome.interrupted or best is None:
        return True
    return any(not u.needless for u in best.unexamined)


def _kind(call_type: str) -> str:
    name = call_type.lstrip("_")
    known = name.startswith("a") and name[1:2] not in ("n", "l") and len(name) > 1
    return name[1:] if known else name


def _route(data: Body) -> str:
    return str(data.get("call_type") or "an endpoint that is no chat")
