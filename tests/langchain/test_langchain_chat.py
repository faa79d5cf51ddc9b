"""`TrustedChatModel` among models that err: revisions, tools, structures, agents, streams."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import tool
from pydantic import BaseModel

from tests.langchain.conftest import WRONG, Memory, Shelf, Speaker
from trustlayer import Model, Policy, Price, Verifier
from trustlayer.finding import FunctionDetector
from trustlayer_langchain import Refused, TrustedChatModel

GOOD = "It is 43 metres tall."
BAD = f"It is {WRONG} metres tall."
CALL = {"name": "measure", "args": {"metres": WRONG}, "id": "call-1"}
CONTEXT = {"context": lambda messages: ["The tower is 43 metres tall."]}


class Able(Speaker):
    """A speaker to which tools may be bound."""

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self.bind(tools=[t.__name__ if isinstance(t, type) else t.name for t in tools])


@tool
def measure(metres: int) -> str:
    """Measure something."""
    return "The tower is 43 metres tall."


def mended(messages: Sequence[BaseMessage]) -> str:
    return GOOD if "Doubtful in it" in str(messages[-1].text) else BAD


def wrong(messages: Sequence[BaseMessage]) -> str:
    return BAD


def chat(numbers: FunctionDetector, speak: Any = mended, **options: Any) -> TrustedChatModel:
    verifier = Verifier([numbers], **options.pop("verifier", {}))
    return TrustedChatModel(model=Able(speak=speak), verifier=verifier, **{**CONTEXT, **options})


async def test_a_revised_answer_comes_out(numbers: FunctionDetector, memory: Memory) -> None:
    made = chat(numbers, verifier={"store": memory})
    for message in (made.invoke("How tall?"), await made.ainvoke("How tall?")):
        assert type(message) is AIMessage
        assert message.text == GOOD
        assert message.response_metadata["trust"]["accepted"]
    first, second = memory.outcomes
    assert len(first.attempts) == len(second.attempts) == 2
    assert first.prompt == "How tall?"
    assert "run_id" in first.correlation


async def test_a_refusal_shows_nothing_of_the_drafts(numbers: FunctionDetector) -> None:
    made = chat(numbers, wrong, refusal=lambda outcome: "Sorry.")
    for message in (made.invoke("How tall?"), await made.ainvoke("How tall?")):
        assert message.text == "Sorry."
        assert message.response_metadata["trust"]["action"] == "hold"
        assert str(WRONG) not in str(message)


async def test_no_stream_shows_a_draft(numbers: FunctionDetector) -> None:
    made = chat(numbers)
    chain = RunnableLambda(lambda asked: asked) | made | StrOutputParser()
    assert [chunk.text for chunk in made.stream("How tall?")] == [GOOD]
    assert "".join(chain.stream("How tall?")) == GOOD
    assert "".join([c async for c in chain.astream("How tall?")]) == GOOD
    events = [e async for e in chain.astream_events("How tall?", version="v2")]
    assert str(WRONG) not in str(events)
    assert [e["name"] for e in events if e["event"] == "on_custom_event"] == ["trust.verdict"]
    streamed = [e for e in events if e["event"] == "on_chat_model_stream"]
    assert [e["data"]["chunk"].text for e in streamed] == [GOOD]


def test_what_tools_answered_is_context(numbers: FunctionDetector) -> None:
    asked = [HumanMessage("How tall?"), AIMessage("", tool_calls=[CALL]),
             ToolMessage("43 metres", tool_call_id="call-1")]  # fmt: skip
    message = chat(numbers, lambda messages: GOOD, context=None).invoke(asked)
    assert message.response_metadata["trust"]["accepted"]
    assert chat(numbers, lambda messages: GOOD, context=Shelf()).invoke("43?").text == GOOD


async def test_calls_of_tools_go_on_unharmed(numbers: FunctionDetector) -> None:
    for beside, kept in ((BAD, ""), ("Let me see.", "Let me see."), ("", "")):
        said = AIMessage(beside, tool_calls=[CALL])
        made = chat(numbers, lambda messages, said=said: said).bind_tools([measure])
        for message in (made.invoke("How tall?"), await made.ainvoke("How tall?")):
            assert (message.text, message.tool_calls[0]["args"]) == (kept, {"metres": WRONG})
    whole = AIMessage([{"type": "text", "text": BAD}], tool_calls=[CALL])
    assert chat(numbers, lambda messages: whole).invoke("How tall?").content == ""


def test_arguments_are_examined_on_request(numbers: FunctionDetector) -> None:
    made = chat(numbers, lambda messages: AIMessage("", tool_calls=[CALL]), tools=True)
    message = made.bind_tools([measure]).invoke("How tall?")
    assert message.tool_calls == []
    assert message.response_metadata["trust"]["risks"] == {"numbers": 1.0}


class Tower(BaseModel):
    """A tower."""

    metres: int


def structuring(messages: Sequence[BaseMessage]) -> AIMessage:
    metres = 43 if "Doubtful in it" in str(messages[-1].text) else WRONG
    return AIMessage("", tool_calls=[{"name": "Tower", "args": {"metres": metres}, "id": "1"}])


async def test_structures_are_revised(numbers: FunctionDetector) -> None:
    made = chat(numbers, structuring).with_structured_output(Tower)
    assert made.invoke("How tall?") == await made.ainvoke("How tall?") == Tower(metres=43)
    raw = chat(numbers, structuring).with_structured_output(Tower, include_raw=True)
    found = raw.invoke("How tall?")
    assert (found["parsed"], found["parsing_error"]) == (Tower(metres=43), None)


def test_a_structure_that_is_not_accepted_is_no_structure(numbers: FunctionDetector) -> None:
    made = chat(numbers, structuring, verifier={"policy": Policy(revisions=0)})
    with pytest.raises(Refused, match="held for a person") as caught:
        made.with_structured_output(Tower).invoke("How tall?")
    assert caught.value.refusal.outcome is not None
    found = made.with_structured_output(Tower, include_raw=True).invoke("How tall?")
    assert found["parsed"] is None
    assert isinstance(found["parsing_error"], Refused)
    assert str(WRONG) not in str(found)


async def test_the_ladder(numbers: FunctionDetector) -> None:
    strong, own = Able(speak=wrong, name="strong"), Model.of(lambda text: GOOD, "own")
    made = chat(numbers, wrong, fallbacks=(strong,), verifier={"models": [own]})
    for message in (made.invoke("How tall?"), await made.ainvoke("How tall?")):
        assert (message.text, message.response_metadata["trust"]["model"]) == (GOOD, "own")
    assert len(strong.heard) == 4


async def test_an_error_of_the_model_is_raised(numbers: FunctionDetector) -> None:
    def broken(messages: Sequence[BaseMessage]) -> str:
        raise ConnectionError("no cloud today")

    made = chat(numbers, broken)
    with pytest.raises(ConnectionError, match="no cloud today") as caught:
        made.invoke("How tall?")
    assert "recorded as outcome" in caught.value.__notes__[0]
    with pytest.raises(ConnectionError):
        await made.ainvoke("How tall?")
    rescued = chat(numbers, broken, fallbacks=(Able(speak=mended),))
    assert rescued.invoke("How tall?").text == GOOD


def test_tokens_and_prices_are_recorded(numbers: FunctionDetector, memory: Memory) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 500, "total_tokens": 1500}
    said = AIMessage(GOOD, usage_metadata=usage, response_metadata={"model_name": "cloud-1"})
    prices = {"cloud": Price(2.0, 4.0)}
    made = chat(numbers, lambda messages: said, prices=prices, verifier={"store": memory})
    assert made.invoke("How tall?").usage_metadata == usage
    [attempt] = memory.outcomes[0].attempts
    assert (attempt.model, attempt.tokens_in, attempt.cost) == ("cloud-1", 1000, 0.004)


def test_no_cache_answers_in_its_place(numbers: FunctionDetector, memory: Memory) -> None:
    set_llm_cache(InMemoryCache())
    try:
        made = chat(numbers, verifier={"store": memory})
        made.invoke("How tall?")
        made.invoke("How tall?")
    finally:
        set_llm_cache(None)
    assert len(memory.outcomes) == 2


async def test_concurrent_conversations_do_not_mix(
    numbers: FunctionDetector, memory: Memory
) -> None:
    def knowing(messages: Sequence[BaseMessage]) -> str:
        found = str(messages[0].text).split()[-1]
        return f"It is {found if 'Doubtful' in str(messages[-1].text) else WRONG}."

    made = TrustedChatModel(
        model=Able(speak=knowing), verifier=Verifier([numbers], store=memory), context=Shelf()
    )
    asked = [f"How tall is tower {n}" for n in range(100, 164)]
    answers = await asyncio.gather(*map(made.ainvoke, asked))
    assert [a.text for a in answers] == [f"It is {n}." for n in range(100, 164)]
    assert len({o.correlation["run_id"] for o in memory.outcomes}) == 64
    for outcome in memory.outcomes:
        assert all(outcome.prompt in c for v in outcome.verdicts for c in v.exchange.context)


def test_parameters_go_to_the_model(numbers: FunctionDetector) -> None:
    heard: list[dict[str, Any]] = []

    class Listening(Able):
        def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
            heard.append(kwargs)
            return super()._generate(messages)

    parameters: dict[str, Any] = {"temperature": 0.5}
    listening = Listening(speak=lambda messages: "Tall.")
    made = TrustedChatModel(model=listening, verifier=Verifier([numbers]), **parameters)
    made.invoke("How tall?", seed=7)
    assert heard == [{"stop": None, "temperature": 0.5, "seed": 7}]


def test_in_an_agent(numbers: FunctionDetector) -> None:
    agents = pytest.importorskip("langchain.agents", reason="needs the extra langchain")

    def speak(messages: Sequence[BaseMessage]) -> AIMessage | str:
        used = any(isinstance(message, ToolMessage) for message in messages)
        return mended(messages) if used else AIMessage("", tool_calls=[CALL])

    agent = agents.create_agent(chat(numbers, speak, context=None), tools=[measure])
    modes = ["values", "updates", "messages", "custom", "debug"]
    asked = {"messages": [HumanMessage("How tall?")]}
    seen = list(agent.stream(asked, stream_mode=modes))
    final = [item for mode, item in seen if mode == "values"][-1]
    assert final["messages"][-1].text == GOOD
    assert BAD not in str(seen)
