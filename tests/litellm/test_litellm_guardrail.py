"""The guardrail by itself: LiteLLM's own objects in, what the proxy would hand out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import litellm
import pytest
from fastapi import HTTPException
from litellm.proxy.guardrails.init_guardrails import init_guardrails_v2
from litellm.types.utils import EmbeddingResponse

from trustlayer import Finding, Outcome, Policy, Sampling, Verifier, detector, load
from trustlayer.audit import AuditStore
from trustlayer.config import BadConfig
from trustlayer.errors import StoreUnavailable
from trustlayer.policy import Strategy
from trustlayer_litellm import BadGuardrail, Trust

# LiteLLM's and pydantic's objects warn of each other when they are made.
pytestmark = pytest.mark.filterwarnings("ignore")

Service = Any
TOWER = "The tower is 324 m tall and made of iron."
GOOD, BAD = "It is 324 m tall.", "Verily it is 330 m tall."
CALL = {"id": "1", "type": "function", "function": {"name": "lift", "arguments": "{}"}}


@pytest.fixture(autouse=True)
def _no_waiting(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(litellm, "callbacks", [])
    before = service.answer
    service.answer = lambda body: GOOD
    yield
    service.answer = before


class Asking:
    """What the proxy does for one request: asks the service, and has *guardrail* look at it."""

    def __init__(self, service: Service, guardrail: Any) -> None:
        self.service, self.guardrail = service, guardrail

    def body(self, **more: Any) -> dict[str, Any]:
        messages = [
            {"role": "system", "content": TOWER},
            {"role": "user", "content": "How tall is it?"},
        ]
        target = {"api_base": self.service.url, "api_key": "none", "num_retries": 0}
        made = {"model": "openai/small", "messages": messages, "metadata": {}, **more}
        return {**made, "litellm_logging_obj": _Logging(), "target": target}

    async def __call__(self, **more: Any) -> Any:
        body = self.body(**more)
        asked = {
            k: v for k, v in body.items() if k in ("model", "messages", "n", "stream", "tools")
        }
        response = await litellm.acompletion(**asked, **body["target"])
        if body.get("stream"):
            chunks = self.guardrail.async_post_call_streaming_iterator_hook(None, response, body)
            return [chunk async for chunk in chunks]
        return await self.guardrail.async_post_call_success_hook(body, None, response)


class _Logging:
    pass


@pytest.fixture
def asking(service: Service, monkeypatch: pytest.MonkeyPatch) -> Any:
    def complete(**call: Any) -> Any:
        return litellm.acompletion(**call, api_base=service.url, api_key="none", num_retries=0)

    monkeypatch.setattr("trustlayer_litellm.guardrail.completion", lambda: complete)

    def make(verifier: Verifier, **options: Any) -> Asking:
        made = Trust(verifier, guardrail_name="trustlayer", default_on=True, **options)
        return Asking(service, made)

    return make


def verifier(*tolerated: str, **options: Any) -> Verifier:
    options.setdefault("policy", Policy(tolerated=frozenset(tolerated)))
    return Verifier(options.pop("detectors", [load("figures")]), **options)


def text(chunks: list[Any]) -> str:
    return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)


def told(chunks: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(c.trustlayer for c in chunks if hasattr(c, "trustlayer"))
    return found


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_of_tools_pass_where_policy_tolerates_them(
    service: Service, asking: Any, stream: bool
) -> None:
    message = {"content": "Lifting.", "tool_calls": [{"index": 0, **CALL}]}
    service.answer = lambda body: [message]
    ask = asking(verifier("tool_call", "figures"))
    tool = {"type": "function", "function": {"name": "lift", "parameters": {"type": "object"}}}
    got = await ask(stream=stream, tools=[tool])
    if stream:
        calls = [d for c in got if c.choices for d in c.choices[0].delta.tool_calls or []]
        assert calls[0].function.name == "lift"
        assert text(got) == "Lifting."
        assert told(got)["unexamined"] == ["tool_call"]
    else:
        [choice] = got.choices
        assert choice.message.tool_calls[0].function.name == "lift"
        assert got.trustlayer["unexamined"] == ["tool_call"]
    strict = await asking(verifier())(stream=stream, tools=[tool])
    assert "lift" not in str(strict)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_thoughts_of_a_model_are_left_out_unless_tolerated(
    service: Service, asking: Any, stream: bool
) -> None:
    service.answer = lambda body: [{"content": GOOD, "reasoning_content": "Say 330, perhaps?"}]
    for options in ({}, {"stream": "whole"}):
        got = await asking(verifier(), **options)(stream=stream)
        assert "perhaps" not in str(got)
        assert GOOD in (text(got) if stream else got.choices[0].message.content)
    got = await asking(verifier("reasoning"), stream="whole")(stream=stream)
    assert "perhaps" in str(got)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(strategies=(Strategy.REPAIR,)),
        Policy(sampling=Sampling(count=1, serves=frozenset({"agreement"}))),
    ],
)
async def test_streams_are_held_back_whole_where_policy_needs_it(
    service: Service, asking: Any, policy: Policy
) -> None:
    drafts = iter([f"It is made of iron. {BAD}", "[1] It is 324 m tall.", *[GOOD] * 9])
    service.answer = lambda body: next(drafts)
    got = await asking(verifier(policy=policy))(stream=True)
    assert "330" not in text(got)
    assert "324 m tall" in text(got)
    assert told(got)["accepted"]
    assert [c.choices[0].finish_reason for c in got if c.choices][-1] == "stop"


async def test_a_stream_that_is_wanted_whole_comes_as_it_was(asking: Any) -> None:
    got = await asking(verifier(), stream="whole")(stream=True)
    assert text(got) == GOOD
    assert len([c for c in got if c.choices and c.choices[0].delta.content]) == len(GOOD.split())


async def test_an_image_in_the_prompt_is_declared(service: Service, asking: Any) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [
        {"role": "system", "content": TOWER},
        {"role": "user", "content": [{"type": "text", "text": "How tall?"}, image]},
    ]
    for stream in (False, True):
        got = await asking(verifier())(messages=messages, stream=stream)
        shown = text(got) if stream else got.choices[0].message.content
        assert "held for a person" in shown
        assert (told(got) if stream else got.trustlayer)["unexamined"] == ["image"]
        got = await asking(verifier("image"))(messages=messages, stream=stream)
        assert (text(got) if stream else got.choices[0].message.content) == GOOD


async def test_a_refusal_may_be_an_error(service: Service, asking: Any) -> None:
    service.answer = lambda body: BAD
    with pytest.raises(HTTPException) as caught:
        await asking(verifier(), refusal="error")()
    assert caught.value.status_code == 422
    assert "330" not in str(caught.value.detail)
    assert caught.value.detail["trustlayer"]["action"] == "hold"  # type: ignore[index]


async def test_the_other_models_of_the_proxy_are_asked(service: Service, asking: Any) -> None:
    service.answer = lambda body: GOOD if body["model"] == "big" else BAD
    for stream in (False, True):
        ask = asking(verifier(), fallbacks=["openai/big"])
        got = await ask(stream=stream)
        assert (text(got) if stream else got.choices[0].message.content) == GOOD
        assert [c["model"] for c in service.asked[-3:]] == ["small", "small", "big"]


class Away:
    """A store whose database is away."""

    def record(self, *outcomes: Outcome) -> None:
        raise StoreUnavailable("the database is away")


@pytest.mark.parametrize("stream", [False, True])
async def test_what_cannot_be_recorded_is_not_handed_out(asking: Any, stream: bool) -> None:
    with pytest.raises(StoreUnavailable):
        await asking(verifier(store=Away()))(stream=stream)


async def test_other_endpoints_go_by_policy(asking: Any) -> None:
    with AuditStore.create("sqlite:///audit.db") as store:
        tolerant = asking(verifier("embedding", store=store)).guardrail
        body: dict[str, Any] = {"model": "m", "input": "x", "litellm_logging_obj": _Logging()}
        assert await tolerant.async_pre_call_hook(None, None, body, "aembedding") is body
        response = EmbeddingResponse()
        assert await tolerant.async_post_call_success_hook(body, None, response) is response
        strict = asking(verifier(store=store)).guardrail
        with pytest.raises(HTTPException):
            await strict.async_pre_call_hook(None, None, dict(body), "aembedding")
        fresh = {"model": "m", "input": "x", "litellm_logging_obj": _Logging()}
        with pytest.raises(HTTPException):  # where nobody was asked before the call
            await strict.async_post_call_success_hook(fresh, None, response)
        kinds = [o.verdicts[0].unexamined[0].detector for o in store.recent()]
        actions = [o.action for o in store.recent()]
    assert kinds[1:] == ["embedding", "embedding"]
    assert actions == ["hold", "hold", "accept"]
    stream = strict.async_post_call_streaming_iterator_hook(None, _events(), {"input": "x"})
    with pytest.raises(HTTPException):  # a stream of something else
        [_ async for _ in stream]


async def _events() -> AsyncIterator[bytes]:
    yield b"event: message_start"


async def test_several_prompts_of_one_request(asking: Any) -> None:
    ask = asking(verifier(store=None))
    response = litellm.TextCompletionResponse(
        model="m",
        choices=[
            {"index": n, "text": t, "finish_reason": "stop"} for n, t in enumerate([GOOD, BAD])
        ],
    )
    own = {"trustlayer": {"context": TOWER}}
    body = {"model": "openai/small", "prompt": ["How tall?", [1, 2]], "metadata": own}
    got = await ask.guardrail.async_post_call_success_hook(body, None, response)
    assert got.choices[0].text == GOOD
    assert "held for a person" in got.choices[1].text  # its prompt was numbers of tokens
    assert [one["accepted"] for one in got.trustlayer["choices"]] == [True, False]


async def test_prompts_are_examined_during_the_call_where_that_is_wanted(asking: Any) -> None:
    @detector
    def rude(exchange: Any) -> Finding:
        return Finding(float("rude" in exchange.answer))

    made = verifier(detectors=[rude])
    during = asking(made, prompts=["rude"], event_hook=["during_call", "post_call"]).guardrail
    body = asking(made).body(messages=[{"role": "user", "content": "rude?"}])
    with pytest.raises(HTTPException):
        await during.async_moderation_hook(body, None, "acompletion")
    both = asking(made, prompts=["rude"], event_hook=["pre_call", "during_call", "post_call"])
    await both.guardrail.async_moderation_hook(body, None, "acompletion")  # it was, before
    with pytest.raises(HTTPException):
        await both.guardrail.async_pre_call_hook(None, None, body, "acompletion")


async def test_without_our_logging_object_the_request_speaks_for_itself(asking: Any) -> None:
    response = await litellm.acompletion(
        model="openai/small", messages=[], api_base=asking(verifier()).service.url, api_key="none"
    )
    body = {"messages": [{"role": "user", "content": "?"}], "model": "openai/small"}
    body["metadata"] = {"trustlayer": {"context": [TOWER]}}  # type: ignore[assignment]
    guardrail = asking(verifier()).guardrail
    got = await guardrail.async_post_call_success_hook(body, None, response)
    assert got.choices[0].message.content == GOOD
    headers = guardrail.async_post_call_response_headers_hook
    assert await headers({"stream": True}, None, None) == {"x-trustlayer-action": "pending"}
    assert await headers({}, None, None) is None


def configured(**more: Any) -> list[dict[str, Any]]:
    params = {
        "guardrail": "trustlayer_litellm.trust",
        "mode": ["pre_call", "during_call", "post_call"],
        "default_on": True,
        **more,
    }
    return [{"guardrail_name": "trustlayer", "litellm_params": params}]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"mode": "pre_call"}, "expected post_call among"),
        ({"mode": ["pre_call", "logging_only", "post_call"]}, "logging_only"),
        ({"refusal": "no"}, "refusal: expected message or error, found 'no'"),
        ({"stream": "chunks"}, "stream: expected auto or whole"),
        ({"prompts": ["toxicity"]}, "prompts names toxicity, not in"),
        ({"prompts": "figures"}, "prompts: expected a list of names, found 'figures'"),
    ],
)
def test_the_proxy_does_not_start_without_its_guardrail(more: dict[str, Any], told: str) -> None:
    """LiteLLM logs a ValueError or TypeError, and then starts and waves everything through."""
    Path("trustlayer.toml").write_text("[detectors.figures]\n")
    with pytest.raises(BadGuardrail, match=told):
        init_guardrails_v2(configured(**more), config_file_path="config.yaml")
    assert litellm.callbacks == []


def test_the_proxy_does_not_start_with_a_file_that_is_wrong() -> None:
    Path("trustlayer.toml").write_text("[detectors.figurs]\n")
    with pytest.raises(BadConfig, match=r"trustlayer\.toml:1: detectors\.figurs"):
        init_guardrails_v2(configured(), config_file_path="config.yaml")


def test_the_guardrail_is_made_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("own.toml").write_text("[detectors.figures]\nlimit = 0.2\n[store]\nurl='sqlite:///o.db'\n")
    monkeypatch.setenv("TRUSTLAYER_CONFIG", "own.toml")
    init_guardrails_v2(configured(hold=80), config_file_path="config.yaml")
    [made] = litellm.callbacks
    assert isinstance(made, Trust)
    assert made.verifier.policy.limits == {"figures": 0.2}
    assert (made.hold, made.guardrail_name) == (80, "trustlayer")
