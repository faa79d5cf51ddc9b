"""Personal data does not leave, and stands in the answer all the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from pydantic import BaseModel

from trustlayer import Action, Exchange, Policy, Span, Verifier, load
from trustlayer.audit import AuditStore
from trustlayer.privacy import Recognised
from trustlayer.privacy.placeholders import Ledger, Restoring, placeholders
from trustlayer_langchain import Leak, Vault, model, trusted

ANNA, BOB = "anna.smith@example.org", "bob+news@mail.example.com"
CARD = "4111 1111 1111 1111"


class Cloud(BaseChatModel):
    """A model that remembers what it was asked, and answers as its function says."""

    answer: Callable[[Sequence[BaseMessage]], AIMessage]
    asked: list[Any] = []  # noqa: RUF012  # pydantic copies it

    @property
    def _llm_type(self) -> str:
        return "cloud"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(tools=[getattr(t, "name", str(t)) for t in tools], **kwargs)

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self.asked.append((messages, kwargs))
        return ChatResult(generations=[ChatGeneration(message=self.answer(messages))])

    def sent(self) -> str:
        return json.dumps([[m.model_dump(mode="json") for m in ms] for ms, _ in self.asked])


class Piecewise(Cloud):
    """The same, character by character."""

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        self.asked.append((messages, kwargs))
        answer = self.answer(messages)
        for character in str(answer.content):
            yield ChatGenerationChunk(message=AIMessageChunk(content=character))
        for number, call in enumerate(answer.tool_calls):
            yield _called(number, call["id"], call["name"], "")
            for character in json.dumps(call["args"]):
                yield _called(number, None, None, character)
        last = AIMessageChunk(content="", chunk_position="last", response_metadata={"end": 1})
        yield ChatGenerationChunk(message=last)


def _called(index: int, id: str | None, name: str | None, args: str) -> ChatGenerationChunk:
    part: Any = {"index": index, "id": id, "name": name, "args": args, "type": "tool_call_chunk"}
    return ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[part]))


def saying(text: str) -> Callable[[Sequence[BaseMessage]], AIMessage]:
    return lambda messages: AIMessage(text)


def echo(messages: Sequence[BaseMessage]) -> AIMessage:
    return AIMessage(f"You said: {messages[-1].text}")


KINDS: list[type[Cloud]] = [Cloud, Piecewise]


@pytest.mark.parametrize("kind", KINDS)
def test_values_stay_and_come_back(kind: type[Cloud]) -> None:
    cloud = kind(answer=echo)
    asked = f"Write to {ANNA}, {ANNA.upper()} and {BOB}. Card {CARD}, or 4111-1111-1111-1111."
    answer = Vault(cloud).invoke(asked)
    [([message], _)] = cloud.asked
    assert message.content == (
        "Write to [EMAIL_1], [EMAIL_1] and [EMAIL_2]. Card [CARD_1], or [CARD_1]."
    )
    assert answer.content == (
        f"You said: Write to {ANNA}, {ANNA} and {BOB}. Card {CARD}, or {CARD}."
    )


def test_every_message_is_looked_through() -> None:
    cloud = Cloud(answer=saying("Done."))
    call: Any = {"name": "mail", "args": {"to": [ANNA], "n": 1}, "id": "1", "type": "tool_call"}
    messages = [
        SystemMessage(f"The user's card is {CARD}."),
        HumanMessage([{"type": "text", "text": f"I am {ANNA}"}], name=ANNA),
        AIMessage("", tool_calls=[call], additional_kwargs={"note": ANNA}),
        ToolMessage(f"sent to {ANNA.title()}", tool_call_id="1", artifact={"to": ANNA}),
        HumanMessage(f"And to {BOB}?"),
    ]
    Vault(cloud).invoke(messages)
    [(sent, _)] = cloud.asked
    told = json.dumps([m.model_dump(mode="json") for m in sent])
    for value in (ANNA, ANNA.title(), BOB, CARD):
        assert value not in told
    assert sent[2].tool_calls[0]["args"] == {"to": ["[EMAIL_1]"], "n": 1}
    assert sent[3].content == "sent to [EMAIL_1]"
    assert messages[3].content == f"sent to {ANNA.title()}"  # the caller's stay as they are


def test_a_conversation_keeps_its_placeholders() -> None:
    cloud = Cloud(answer=echo)
    vault = Vault(cloud)
    messages: list[BaseMessage] = [HumanMessage(f"I am {BOB}.")]
    messages += [vault.invoke(messages), HumanMessage(f"Tell {ANNA} that {BOB} called.")]
    vault.invoke(messages)
    assert cloud.asked[1][0][-1].content == "Tell [EMAIL_2] that [EMAIL_1] called."
    assert cloud.asked[1][0][1].content == "You said: I am [EMAIL_1]."


def test_what_looks_like_a_placeholder_is_kept_apart() -> None:
    cloud = Cloud(answer=echo)
    answer = Vault(cloud).invoke(f"Explain [EMAIL_1] to {ANNA}")
    assert cloud.asked[0][0][0].content == "Explain [LITERAL_1] to [EMAIL_1]"
    assert answer.content == f"You said: Explain [EMAIL_1] to {ANNA}"


@pytest.mark.parametrize("kind", KINDS)
def test_models_write_placeholders_in_their_own_ways(kind: type[Cloud]) -> None:
    cloud = kind(
        answer=saying(r"To [email_1], [EMAIL 1], \[EMAIL\_1\], [ EMAIL_1 ]: see [1], [a](")
    )
    told = Vault(cloud).invoke(f"{ANNA}?").content
    assert told == f"To {ANNA}, {ANNA}, {ANNA}, {ANNA}: see [1], [a]("


@pytest.mark.parametrize("kind", KINDS)
def test_an_invented_placeholder_counts_as_hallucination(kind: type[Cloud]) -> None:
    cloud = kind(answer=saying("Ask [EMAIL_1], or [EMAIL_7]."))
    answer = Vault(cloud).invoke(f"Whom to ask? {ANNA}")
    text = f"Ask {ANNA}, or [EMAIL_7]."
    assert answer.content == text
    [told] = answer.response_metadata["vault"]["invented"]
    assert text[told["start"] : told["end"]] == "[EMAIL_7]"
    [found] = placeholders.examine([Exchange("Whom to ask?", text)])
    assert found.risk == 1.0  # type: ignore[union-attr]
    assert [e.span for e in found.evidence] == [Span(told["start"], told["end"])]  # type: ignore[union-attr]
    [known] = placeholders.examine([Exchange("What is [EMAIL_7]?", text)])
    assert known.risk == 0.0  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", KINDS)
def test_calls_of_tools_have_the_values(kind: type[Cloud]) -> None:
    password = 'hunter"2\\x!'
    args = {"to": "[EMAIL_1]", "words": ["[SECRET_1]", {"deep": "say [EMAIL_1]"}], "n": 2}
    call: Any = {"name": "mail", "args": args, "id": "1", "type": "tool_call"}

    def secret(text: str) -> Iterator[Recognised]:
        start = text.find(password)
        if start >= 0:
            yield Recognised("secret", Span(start, start + len(password)))

    from trustlayer.privacy import load as recognisers

    cloud = kind(answer=lambda messages: AIMessage("", tool_calls=[call]))
    vault = Vault(cloud, recognisers=[*recognisers(["email"]), secret])
    got = vault.bind_tools([mail]).invoke(f"{ANNA} {password}")
    assert cloud.asked[0][1]["tools"] == ["mail"]
    [made] = got.tool_calls
    assert made["args"] == {"to": ANNA, "words": [password, {"deep": f"say {ANNA}"}], "n": 2}


@tool
def mail(to: str, text: str = "") -> str:
    """Send a mail."""
    return f"sent to {to}"


def test_an_image_is_not_waved_through() -> None:
    cloud = Cloud(answer=saying("A cat."))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    asked = [HumanMessage([{"type": "text", "text": "What is it?"}, image])]
    with pytest.raises(Leak, match="kind 'image_url', which cannot be looked through") as caught:
        Vault(cloud).invoke(asked)
    assert "passes=['image_url']" in caught.value.__notes__[0]
    assert cloud.asked == []
    assert Vault(cloud, passes=["image_url"]).invoke(asked).content == "A cat."


def test_nothing_leaves_where_a_value_would() -> None:
    cloud = Cloud(answer=saying("Yes."))
    call: Any = {"name": "mail", "args": {}, "id": ANNA, "type": "tool_call"}
    by_id = [
        HumanMessage(ANNA),
        AIMessage("", tool_calls=[call]),
        ToolMessage("", tool_call_id=ANNA),
    ]
    with pytest.raises(Leak, match="outside of its texts") as caught:
        Vault(cloud).invoke(by_id)
    assert ANNA not in str(caught.value)
    with pytest.raises(Leak, match="'email'"):
        Vault(cloud).bind(tools=[{"description": f"mail {ANNA.upper()}"}]).invoke(ANNA)
    with pytest.raises(Leak, match="message 1 would still hold a value of the kind 'email'"):
        Vault(cloud).invoke(f"{ANNA} and x{ANNA.replace('.', '. ')}y")

    def broken(text: str) -> Iterator[Recognised]:
        raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        Vault(cloud, recognisers=[broken]).invoke("Hello")
    assert cloud.asked == []


def test_a_value_recognised_once_is_found_in_every_writing() -> None:
    def called(text: str) -> Iterator[Recognised]:
        start = text.find("Anna Smith")
        if start >= 0:
            yield Recognised("person", Span(start, start + 10))

    cloud = Cloud(answer=echo)
    vault = Vault(cloud, recognisers=[called])
    vault.invoke([SystemMessage("Anna Smith asks."), HumanMessage("ANNA  SMITH and anna\nsmith!")])
    assert cloud.asked[0][0][1].content == "[PERSON_1] and [PERSON_1]!"


async def test_all_ways_of_asking() -> None:
    cloud = Piecewise(answer=echo)
    vault = Vault(cloud).with_config(tags=["here"])
    whole = f"You said: {ANNA}"
    assert "".join(str(c.content) for c in vault.stream(ANNA)) == whole
    assert "".join([str(c.content) async for c in vault.astream(ANNA)]) == whole
    assert (await vault.ainvoke(ANNA)).content == whole
    assert [m.content for m in vault.batch([ANNA, BOB])] == [whole, f"You said: {BOB}"]
    got = await asyncio.gather(*[vault.ainvoke(f"u{n}@example.org") for n in range(16)])
    assert [m.content for m in got] == [f"You said: u{n}@example.org" for n in range(16)]
    assert "@" not in cloud.sent()
    slow = Cloud(answer=echo)  # a model that streams nothing
    assert [m.content async for m in Vault(slow).astream(ANNA) if m.content] == [whole]
    assert [c.content for c in Vault(slow).stream(ANNA) if c.content] == [whole]


def test_the_values_are_nowhere_else() -> None:
    heard: list[str] = []

    class Ear(BaseCallbackHandler):
        def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
            heard.append(str(token))

        def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
            heard.append(json.dumps([serialized, kwargs], default=repr))

    cloud = Cloud(answer=echo)
    vault = Vault(cloud)
    vault.invoke(ANNA, {"callbacks": [Ear()]})
    ledger = Ledger()
    ledger.note(f"{ANNA} {CARD}")
    told = "".join(
        [
            *heard,
            repr(vault),
            repr(ledger),
            repr(Restoring(ledger)),
            vault.model_dump_json(exclude={"bound"}),
        ]
    )
    assert ANNA not in told
    assert CARD not in told
    assert "Ledger" not in "".join(heard)
    assert vault.cache is False  # it would keep questions with their values


PIECES = st.sampled_from(
    [ANNA, BOB, ANNA.upper(), CARD, "4111111111111111", "10.1.2.3", "GB82 WEST 1234 5698 7654 32"]
)
WORDS = st.text(st.sampled_from("ab [](]_\\1é\n"), max_size=6)


@given(st.lists(st.one_of(PIECES, WORDS), max_size=8), st.data())
def test_what_is_sealed_and_restored_is_the_same(parts: list[str], data: st.DataObject) -> None:
    text = " ".join(parts)
    ledger = Ledger()
    ledger.note(text)
    away = ledger.sealed(text)
    assert ledger.leak(away) is None
    assert not any(value in away for value in (ANNA, BOB, CARD, "4111111111111111"))
    restoring, at, got = Restoring(ledger), 0, ""
    while at < len(away):
        size = data.draw(st.integers(1, 7))
        got += restoring.feed(away[at : at + size])
        at += size
    got += restoring.flush()
    assert got == Restoring(ledger).whole(away)
    assert restoring.invented == []
    same = {"4111111111111111": CARD, ANNA.upper(): ANNA}
    loose = "".join(got.casefold().split())
    first = "".join(text.casefold().split())
    for written, other in same.items():
        loose = loose.replace(
            written.casefold().replace(" ", ""), other.casefold().replace(" ", "")
        )
    loose = loose.replace(CARD.replace(" ", ""), "C")
    assert loose == first.replace(CARD.replace(" ", ""), "C")


# Inside of what else there is in LangChain and trustlayer.


def test_in_a_trusted_chain_the_restored_text_is_verified() -> None:
    answers = iter(["Mail [EMAIL_9], who is 45.", "Mail [EMAIL_1], who is 44."])
    cloud = Cloud(answer=lambda messages: AIMessage(next(answers)))
    prompt = ChatPromptTemplate.from_template("{passages}\n\n{question}")
    policy = Policy(revisions=1)
    with AuditStore.create("sqlite:///audit.db") as store:
        verifier = Verifier([load("figures"), placeholders], policy=policy, store=store)
        chain = trusted(prompt | Vault(cloud), verifier, context="passages")
        got = chain.invoke({"question": "Whom to mail?", "passages": f"{ANNA} is 44 years old."})
        assert got.content == f"Mail {ANNA}, who is 44."
        [recorded] = store.recent()
        assert "placeholders" in recorded.verdicts[0].findings
        assert recorded.verdicts[0].findings["placeholders"].risk == 1.0
    assert ANNA not in cloud.sent()


def test_as_a_model_of_a_verifier() -> None:
    cloud = Cloud(answer=saying("It is [EMAIL_1]."))
    verifier = Verifier([load("figures"), placeholders], models=[model(Vault(cloud))])
    outcome = verifier.run("Who?", [f"Ask {ANNA}, 44."])
    assert outcome.action is Action.ACCEPT
    assert outcome.answer == f"It is {ANNA}."
    assert ANNA not in cloud.sent()


def test_in_an_agent_tools_get_the_values() -> None:
    pytest.importorskip("langchain", reason="needs the extra langchain")
    from langchain.agents import create_agent

    call: Any = {"name": "mail", "args": {"to": "[EMAIL_1]"}, "id": "1", "type": "tool_call"}
    answers = iter([AIMessage("", tool_calls=[call]), AIMessage("Sent to [EMAIL_1].")])
    cloud = Cloud(answer=lambda messages: next(answers))
    agent = create_agent(Vault(cloud), [mail])
    state = agent.invoke({"messages": [HumanMessage(f"Mail {ANNA}")]})
    assert [m.content for m in state["messages"][2:]] == [f"sent to {ANNA}", f"Sent to {ANNA}."]
    assert ANNA not in cloud.sent()
    assert cloud.asked[1][0][-1].content == "sent to [EMAIL_1]"


class Person(BaseModel):
    """Somebody."""

    email: str
    age: int


@pytest.fixture
def service() -> Iterator[tuple[str, list[bytes], list[dict[str, Any]]]]:
    """An OpenAI-compatible service: its URL, the bytes that it got, and its answers to give."""
    got: list[bytes] = []
    answers: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            message = {"role": "assistant", "content": None, **answers.pop(0)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            body = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
            data = json.dumps({**body, "choices": [choice]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1", got, answers
    server.shutdown()
    server.server_close()


def test_the_bytes_on_the_wire(service: tuple[str, list[bytes], list[dict[str, Any]]]) -> None:
    openai = pytest.importorskip("langchain_openai", reason="needs the extra openai")
    url, got, answers = service
    vault = Vault(openai.ChatOpenAI(base_url=url, api_key="none", model="m", max_retries=0))
    answers.append({"content": "Mail [EMAIL_1]."})
    assert vault.invoke(f"Whom? {ANNA} with {CARD}").content == f"Mail {ANNA}."
    arguments = json.dumps({"email": "[EMAIL_1]", "age": 44})
    called = {"id": "1", "type": "function", "function": {"name": "Person", "arguments": arguments}}
    answers.append({"tool_calls": [called]})
    person = vault.with_structured_output(Person).invoke(f"Who is {ANNA}?")
    assert person == Person(email=ANNA, age=44)
    for value in (ANNA, "anna", CARD, CARD.replace(" ", "")):
        assert value.encode() not in b"".join(got).lower()
    assert b"[EMAIL_1]" in got[0]


def test_a_model_by_langchains_own_fake() -> None:
    fake = GenericFakeChatModel(messages=iter([AIMessage("Hi [EMAIL_1] there")]))
    streamed = "".join(str(chunk.content) for chunk in Vault(fake).stream(ANNA))
    assert streamed == f"Hi {ANNA} there"


def test_blocks_that_are_streamed_are_restored_each_by_itself() -> None:
    class Blocks(Cloud):
        def _stream(self, messages: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
            for index, text in [(0, "To [EM"), (1, "[EMAIL"), (0, "AIL_1]"), (1, "_1]"), (1, "[")]:
                block = {"type": "text", "text": text, "index": index}
                yield ChatGenerationChunk(message=AIMessageChunk(content=[block]))
            seen: Any = [{"type": "reasoning", "reasoning": "of [EMAIL_1]", "index": 2}, "end"]
            yield ChatGenerationChunk(message=AIMessageChunk(content=seen))

    whole = None
    for chunk in Vault(Blocks(answer=echo)).stream(ANNA):
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    texts = [b["text"] for b in whole.content if isinstance(b, dict) and b["type"] == "text"]
    assert texts == [f"To {ANNA}", f"{ANNA}["]
    thoughts = [b for b in whole.content if isinstance(b, dict) and b["type"] == "reasoning"]
    assert thoughts[0]["reasoning"] == f"of {ANNA}"
    assert "end" in whole.content
