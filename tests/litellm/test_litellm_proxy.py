"""The official client of OpenAI through the proxy: what it gets is what was accepted."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from openai import APIStatusError, AsyncOpenAI, OpenAI

from trustlayer import Outcome
from trustlayer.audit import AuditStore

Proxy = Any
TOWER = {"role": "system", "content": "The tower is 324 m tall and made of iron."}
GOOD = "It is 324 m tall. It is made of iron."
BAD = "Verily it is 330 m tall. It is made of iron."
WORSE = "Forsooth it is 331 m tall. It is made of iron."
LATE = "It is made of iron. Verily it is 330 m tall."  # errs in its second sentence
SCENES = {
    "verified": {"small": [GOOD]},
    "revised": {"small": [BAD, GOOD]},
    "late": {"small": [LATE, "It is 324 m tall."]},
    "escalated": {"small": [BAD, WORSE], "large": [GOOD]},
    "refused": {"small": [BAD, WORSE], "large": [BAD, WORSE]},
    "crash": {"small": [GOOD], "large": [GOOD]},
    "empty": {"small": [""], "large": [""]},
    "slow": {"small": [GOOD + " It stands." * 200]},
}


class Stage:
    """Answers by the scene that the prompt names, draft by draft."""

    def __init__(self) -> None:
        self.drafts: Counter[tuple[str, str]] = Counter()

    def __call__(self, body: dict[str, Any]) -> Any:
        told = json.dumps(body.get("messages") or body.get("prompt"))
        scene, key = told.split("scene ")[1].split("?")[0].split()[:2]
        model = str(body["model"])
        self.drafts[key, model] += 1
        answers = SCENES[scene][model]
        return answers[min(self.drafts[key, model], len(answers)) - 1]


@pytest.fixture(autouse=True)
def stage(proxy: Proxy) -> Iterator[None]:
    before = proxy.service.answer, proxy.service.pause
    proxy.service.answer = Stage()
    yield
    proxy.service.answer, proxy.service.pause = before


@pytest.fixture
def client(proxy: Proxy) -> OpenAI:
    return OpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)


def asking(scene: str) -> tuple[str, list[Any]]:
    key = uuid4().hex
    prompt = f"How tall is it, in the scene {scene} {key}?"
    return key, [TOWER, {"role": "user", "content": prompt}]


def rejected(text: str) -> list[str]:
    """The words of rejected drafts in *text*."""
    return [word for word in ("erily", "orsooth", "330 m", "331 m", " 330", " 331") if word in text]


def outcome(proxy: Proxy, id: str) -> Outcome:
    with AuditStore.open(f"sqlite:///{proxy.folder}/audit.db") as store:
        return store.outcome(id)


ACTIONS = {
    "verified": ["accept"],
    "revised": ["revise", "accept"],
    "escalated": ["revise", "escalate", "accept"],
    "refused": ["revise", "escalate", "revise", "hold"],
}


@pytest.mark.parametrize("scene", list(ACTIONS))
def test_an_answer_is_verified_revised_escalated_or_refused(
    proxy: Proxy, client: OpenAI, scene: str
) -> None:
    _, messages = asking(scene)
    got = client.chat.completions.with_raw_response.create(model="small", messages=messages)
    [choice] = got.parse().choices
    recorded = outcome(proxy, got.headers["x-trustlayer-outcome"])
    assert [attempt.action for attempt in recorded.attempts] == ACTIONS[scene]
    assert got.headers["x-trustlayer-action"] == ("hold" if scene == "refused" else "accept")
    assert not rejected(got.text)
    if scene == "refused":
        assert choice.finish_reason == "content_filter"
        assert recorded.id in str(choice.message.content)
    else:
        assert (choice.message.content, choice.finish_reason) == (GOOD, "stop")
    assert json.loads(got.text)["trustlayer"]["outcome_id"] == recorded.id
    assert recorded.correlation["litellm_call_id"] == got.headers["x-litellm-call-id"]
    assert recorded.context == (TOWER["content"],)


@pytest.mark.parametrize("scene", list(ACTIONS))
def test_a_stream_is_verified_revised_escalated_or_refused(
    proxy: Proxy, client: OpenAI, scene: str
) -> None:
    _, messages = asking(scene)
    chunks = list(
        client.chat.completions.create(
            model="small", messages=messages, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    told = next(
        extra["trustlayer"] for c in chunks if "trustlayer" in (extra := c.model_extra or {})
    )
    recorded = outcome(proxy, told["outcome_id"])
    assert [attempt.action for attempt in recorded.attempts] == ACTIONS[scene]
    finish = [c.choices[0].finish_reason for c in chunks if c.choices][-1]
    if scene == "refused":
        assert finish == "content_filter"
        assert recorded.id in text
    else:
        assert (text, finish) == (GOOD, "stop")
    assert not rejected(text)
    if scene in ("verified", "revised"):  # of the model that wrote the last of it
        assert chunks[-1].usage is not None


def raw(proxy: Proxy, body: dict[str, Any]) -> bytes:
    """All bytes that the proxy sends, read from the socket."""
    host, port = proxy.url.removeprefix("http://").split(":")
    data = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {proxy.key}"
        f"\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        "Connection: close\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head.encode() + data)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("scene", ["revised", "escalated", "refused", "late"])
@pytest.mark.parametrize("stream", [False, True])
def test_no_token_of_a_rejected_draft_is_in_the_bytes(
    proxy: Proxy, scene: str, stream: bool
) -> None:
    _, messages = asking(scene)
    got = raw(proxy, {"model": "small", "messages": messages, "stream": stream})
    assert b"200 OK" in got
    assert not rejected(got.decode())
    if stream:
        assert got.count(b"data: [DONE]") == 1


def test_the_example_of_a_client(proxy: Proxy) -> None:
    proxy.service.answer = lambda body: GOOD if len(body["messages"]) > 2 else BAD
    example = Path(__file__).resolve().parents[2] / "examples" / "litellm" / "client.py"
    environment = {"OPENAI_BASE_URL": f"{proxy.url}/v1", "OPENAI_API_KEY": proxy.key}
    done = subprocess.run(
        [sys.executable, str(example)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=True,
    )
    assert done.stdout.splitlines() == [
        f"accept - {GOOD}",
        "passed: It is 324 m tall.",
        "passed:  It is made of iron.",
    ]


def test_a_stream_goes_on_from_what_had_passed(proxy: Proxy, client: OpenAI) -> None:
    _, messages = asking("late")
    stream = client.chat.completions.create(model="small", messages=messages, stream=True)
    parts = [c.choices[0].delta.content for c in stream if c.choices and c.choices[0].delta.content]
    assert parts[0] == "It is made of iron."
    assert "".join(parts) == "It is made of iron. It is 324 m tall."
    assert len(parts) >= 2


@pytest.mark.parametrize("stream", [False, True])
def test_what_nobody_examined_is_not_handed_out(proxy: Proxy, client: OpenAI, stream: bool) -> None:
    for scene in ("empty", "crash"):  # no text, and a detector that fails
        _, messages = asking(scene)
        got = raw(proxy, {"model": "small", "messages": messages, "stream": stream})
        assert b"content_filter" in got
        assert b"It is" not in got


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_is_not_accepted_asks_nobody(
    proxy: Proxy, client: OpenAI, stream: bool
) -> None:
    key, messages = asking("verified")
    messages[1]["content"] += " You abomination."
    with pytest.raises(APIStatusError, match="held for a person") as caught:
        client.chat.completions.create(model="small", messages=messages, stream=stream)
    assert caught.value.status_code == 400
    assert not [body for body in proxy.service.asked if key in json.dumps(body)]


def test_passages_come_with_the_request_too(proxy: Proxy, client: OpenAI) -> None:
    key = uuid4().hex
    asked: list[Any] = [{"role": "user", "content": f"How tall, in the scene verified {key}?"}]
    own = {"context": ["It is 324 m tall.", "It is made of iron."], "correlation": {"case": "7"}}
    for metadata in ({"trustlayer": own}, {"trustlayer": json.dumps(own)}):
        got = client.chat.completions.with_raw_response.create(
            model="small", messages=asked, extra_body={"metadata": metadata}
        )
        recorded = outcome(proxy, got.headers["x-trustlayer-outcome"])
        assert recorded.context == tuple(own["context"])
        assert recorded.correlation["case"] == "7"
        assert got.parse().choices[0].message.content == GOOD
    sent = [body for body in proxy.service.asked if key in json.dumps(body)]
    assert "made of iron" not in json.dumps(sent)  # it is ours, and does not leave
    with pytest.raises(APIStatusError, match=r"metadata\.trustlayer: found contxt; expected"):
        client.chat.completions.create(
            model="small", messages=asked, extra_body={"metadata": {"trustlayer": {"contxt": []}}}
        )


def test_other_endpoints_are_refused_and_recorded(proxy: Proxy, client: OpenAI) -> None:
    for call in (
        lambda: client.embeddings.create(model="embedder", input="scene verified x?"),
        lambda: client.responses.create(model="small", input="scene verified x?"),
        lambda: client.responses.create(model="small", input="scene verified x?", stream=True),
        lambda: client.moderations.create(model="small", input="scene verified x?"),
    ):
        before = len(proxy.service.asked)
        with pytest.raises(APIStatusError) as caught:
            call()
        assert caught.value.status_code == 422
        assert len(proxy.service.asked) == before  # nobody was asked, and nothing paid
    with AuditStore.open(f"sqlite:///{proxy.folder}/audit.db") as store:
        kinds = {o.verdicts[0].unexamined[0].detector for o in store.recent(4)}
    assert kinds >= {"embedding", "responses"}


@pytest.mark.parametrize("stream", [False, True])
def test_text_completions_are_examined(proxy: Proxy, client: OpenAI, stream: bool) -> None:
    key = uuid4().hex
    own = {"trustlayer": {"context": [TOWER["content"]]}}
    got: Any = client.completions.create(
        model="small",
        prompt=f"How tall, in the scene revised {key}?",
        stream=stream,
        extra_body={"metadata": own},
    )
    parts = [c.choices[0].text for c in got if c.choices] if stream else [got.choices[0].text]
    assert "".join(parts) == GOOD


def test_each_of_several_choices_is_examined(proxy: Proxy, client: OpenAI) -> None:
    proxy.service.answer = lambda body: (
        [{"content": GOOD}, {"content": BAD}, {"content": GOOD}] if body.get("n") else WORSE
    )
    _, messages = asking("verified")
    for stream in (False, True):
        got: Any = client.chat.completions.create(
            model="small", messages=messages, n=3, stream=stream
        )
        texts = ["", "", ""]
        if stream:
            for chunk in got:
                for choice in chunk.choices:
                    texts[choice.index] += choice.delta.content or ""
        else:
            texts = [choice.message.content for choice in got.choices]
        assert (texts[0], texts[2]) == (GOOD, GOOD)
        assert "held for a person" in texts[1]
        assert not rejected(texts[1])


@pytest.mark.parametrize("stream", [False, True])
def test_calls_of_tools_are_not_waved_through(proxy: Proxy, client: OpenAI, stream: bool) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "lift", "arguments": '{"kg": 9}'}}
    calls = [{"index": 0, **call}]
    proxy.service.answer = lambda body: [{"content": None, "tool_calls": calls}]
    _, messages = asking("verified")
    tool = {"type": "function", "function": {"name": "lift", "parameters": {"type": "object"}}}
    for tools in ({"tools": [tool]}, {}):
        got = raw(proxy, {"model": "small", "messages": messages, "stream": stream, **tools})
        assert b"lift" not in got
        assert b"content_filter" in got
    with AuditStore.open(f"sqlite:///{proxy.folder}/audit.db") as store:
        [recorded] = store.recent(1)
    assert any("tool_call" in str(u) for v in recorded.verdicts for u in v.unexamined) or any(
        "tool_call" in error or "calls a tool" in error for error in recorded.errors
    )


async def test_requests_at_the_same_time_do_not_mix(proxy: Proxy) -> None:
    def answer(body: dict[str, Any]) -> str:
        messages = body["messages"]
        height = int(messages[0]["content"].split("is ")[1].split(" m")[0])
        return f"It is {height if len(messages) > 2 else height + 1} m tall."

    proxy.service.answer = answer
    client = AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=proxy.key, max_retries=0)

    async def one(number: int) -> str:
        messages: list[Any] = [
            {"role": "system", "content": f"The tower is {number} m tall."},
            {"role": "user", "content": f"How tall is tower {number}?"},
        ]
        if number % 2:
            got = await client.chat.completions.create(model="small", messages=messages)
            return str(got.choices[0].message.content)
        stream = await client.chat.completions.create(model="small", messages=messages, stream=True)
        return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])

    numbers = range(200, 264)
    texts = await asyncio.gather(*map(one, numbers))
    assert texts == [f"It is {number} m tall." for number in numbers]
    await client.close()


def eventually(found: Callable[[], Any]) -> Any:
    """What *found* gives once it gives something; the last try decides."""
    for _ in range(200):
        if value := found():
            return value
        time.sleep(0.1)
    return found()


def test_a_client_that_leaves_stops_the_model(proxy: Proxy, client: OpenAI) -> None:
    proxy.service.pause = lambda body: 0.05
    proxy.service.gone.clear()
    key, messages = asking("slow")
    stream = client.chat.completions.create(model="small", messages=messages, stream=True)
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    stream.close()
    assert proxy.service.gone.wait(30)  # the model is not paid for what nobody reads

    def recorded() -> list[Outcome]:
        with AuditStore.open(f"sqlite:///{proxy.folder}/audit.db") as store:
            return [o for o in store.recent(5) if key in o.prompt]

    [left] = eventually(recorded)
    assert left.answer is None
    assert left.errors
    claimed = [g for row in proxy.logged(key) for g in row["guardrails"] or []]
    assert all(
        g["guardrail_status"] != "success" for g in claimed if g["guardrail_mode"] != "pre_call"
    )
    key, messages = asking("verified")
    got = client.chat.completions.create(model="small", messages=messages)
    assert got.choices[0].message.content == GOOD


def test_the_log_of_litellm_claims_no_more_than_was_examined(proxy: Proxy, client: OpenAI) -> None:
    expected = {
        ("verified", False): "success",
        ("verified", True): "success",
        ("refused", False): "guardrail_intervened",
        ("refused", True): "guardrail_intervened",
        ("empty", False): "guardrail_failed_to_respond",
        ("empty", True): "guardrail_failed_to_respond",
    }
    for (scene, stream), status in expected.items():
        key, messages = asking(scene)
        raw(proxy, {"model": "small", "messages": messages, "stream": stream})

        def told(key: str = key) -> set[str]:
            found = [g for row in proxy.logged(key) for g in row["guardrails"] or []]
            return {
                g["guardrail_status"]
                for g in found
                if g["guardrail_name"] == "trustlayer" and g["guardrail_mode"] == "post_call"
            }

        if (scene, stream) == ("refused", True):  # stopped in the middle: not logged, or not so
            assert told() <= {status}
        else:
            assert eventually(told) == {status}, (scene, stream)
