"""Agents with `TrustMiddleware`: what enters the state, what a stream shows, and resuming."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain", reason="needs the extra langchain")

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from pydantic import BaseModel

from tests.langchain.conftest import WRONG, Counting, Speaker
from trustlayer import Action, Policy, Verifier
from trustlayer.audit import AuditStore
from trustlayer.finding import FunctionDetector
from trustlayer_langchain import model as as_model
from trustlayer_langchain.agents import TrustMiddleware

ASKED = {"messages": [HumanMessage("How tall is the tower?")]}
CALL = {"name": "measure", "args": {"what": "tower"}, "id": "call-1"}
GOOD = "It is 43 metres tall."
BAD = f"It is {WRONG} metres tall."
MODES = ["values", "updates", "messages", "custom", "debug"]


class Agent(Speaker):
    """A speaker to which tools may be bound."""

    def bind_tools(self, *args: Any, **kwargs: Any) -> Any:
        return self


@tool
def measure(what: str) -> str:
    """Measure something."""
    return f"The {what} is 43 metres tall."


def speaking(final: Callable[[Sequence[BaseMessage]], str], beside: str = "") -> Agent:
    """Calls its tool first, then says what *final* says."""

    def speak(messages: Sequence[BaseMessage]) -> str | AIMessage:
        if not any(isinstance(message, ToolMessage) for message in messages):
            return AIMessage(beside, tool_calls=[CALL])
        return final(messages)

    return Agent(speak=speak)


def mended(messages: Sequence[BaseMessage]) -> str:
    return GOOD if "Doubtful in it" in str(messages[-1].text) else BAD


def agent(model: Agent, verifier: Verifier, **options: Any) -> Any:
    checkpointer = options.pop("checkpointer", None)
    return create_agent(
        model,
        tools=[measure],
        middleware=[TrustMiddleware(verifier, **options)],
        checkpointer=checkpointer,
    )


def test_an_answer_rests_on_what_tools_found(numbers: FunctionDetector) -> None:
    speaker = speaking(mended)
    state = agent(speaker, Verifier([numbers])).invoke(ASKED)
    kinds = [type(message).__name__ for message in state["messages"]]
    assert kinds == ["HumanMessage", "AIMessage", "ToolMessage", "AIMessage"]
    answer = state["messages"][-1]
    assert answer.text == GOOD
    assert answer.response_metadata["trust"] == state["trust"]
    assert (state["trust"]["action"], state["trust"]["attempts"]) == ("accept", 2)
    assert str(WRONG) not in str(state)
    assert len(speaker.heard) == 3


async def test_awaited_it_does_the_same(numbers: FunctionDetector) -> None:
    state = await agent(speaking(mended), Verifier([numbers])).ainvoke(ASKED)
    assert state["messages"][-1].text == GOOD
    assert str(WRONG) not in str(state)


def test_stronger_models_are_asked(numbers: FunctionDetector) -> None:
    strong, own = speaking(lambda messages: BAD), speaking(lambda messages: GOOD)
    wrapped = agent(
        speaking(lambda messages: BAD),
        Verifier([numbers], models=[as_model(own, name="own")]),
        fallbacks=[strong],
    )
    state = wrapped.invoke(ASKED)
    assert state["trust"]["attempts"] == 5
    assert state["trust"]["model"] == "own"
    # The verifier's own model is asked one text, so it calls its tool, which is not an answer.
    assert state["trust"]["action"] == "hold"


def test_a_model_that_answers_for_it(numbers: FunctionDetector) -> None:
    wrapped = agent(speaking(lambda messages: BAD), Verifier([numbers], models=[lambda text: GOOD]))
    state = wrapped.invoke(ASKED)
    assert state["messages"][-1].text == GOOD
    assert state["trust"]["accepted"]


def test_no_stream_shows_a_draft(numbers: FunctionDetector) -> None:
    for final in (mended, lambda messages: BAD):
        wrapped = agent(
            speaking(final), Verifier([numbers], policy=Policy(otherwise=Action.REFUSE))
        )
        seen = list(wrapped.stream(ASKED, stream_mode=MODES, subgraphs=True))
        assert str(WRONG) not in str(seen)
        assert any("metres tall" in str(item) or "could be verified" in str(item) for item in seen)


async def test_no_awaited_stream_shows_a_draft(numbers: FunctionDetector) -> None:
    for final in (mended, lambda messages: BAD):
        wrapped = agent(speaking(final), Verifier([numbers]), checkpointer=InMemorySaver())
        config = {"configurable": {"thread_id": "1"}}
        seen = [item async for item in wrapped.astream(ASKED, config, stream_mode=MODES)]
        assert str(WRONG) not in str(seen)
        config = {"configurable": {"thread_id": "2"}}
        events = [e async for e in wrapped.astream_events(ASKED, config, version="v2")]
        assert str(WRONG) not in str(events)


def test_text_beside_a_call_is_examined_too(numbers: FunctionDetector) -> None:
    for beside, kept in ((f"I guess {WRONG} metres.", ""), ("Let me see.", "Let me see.")):
        speaker = speaking(lambda messages: GOOD, beside)
        state = agent(speaker, Verifier([numbers])).invoke(ASKED)
        step = state["messages"][1]
        assert (step.text, [call["name"] for call in step.tool_calls]) == (kept, ["measure"])
        assert state["messages"][-1].text == GOOD


def test_the_context_may_come_from_the_state(numbers: FunctionDetector) -> None:
    wrapped = agent(
        speaking(lambda messages: "It is 44 metres tall."),
        Verifier([numbers]),
        context=lambda state: [f"44, of {len(state['messages'])} messages"],
    )
    assert wrapped.invoke(ASKED)["trust"]["accepted"]


class Height(BaseModel):
    """The height of something."""

    metres: int


def test_structured_answers_are_examined(numbers: FunctionDetector) -> None:
    def speak(messages: Sequence[BaseMessage]) -> AIMessage:
        metres = 43 if "Doubtful in it" in str(messages[-1].text) else WRONG
        call = {"name": "Height", "args": {"metres": metres}, "id": "1"}
        return AIMessage("", tool_calls=[call])

    middleware = TrustMiddleware(Verifier([numbers]), context=lambda state: "43 metres")
    wrapped = create_agent(Agent(speak=speak), response_format=Height, middleware=[middleware])
    state: Any = wrapped.invoke({"messages": [HumanMessage("How tall is the tower?")]})
    assert state["structured_response"] == Height(metres=43)
    assert state["trust"]["attempts"] == 2
    assert str(WRONG) not in str(state)


def test_an_error_of_the_model_is_raised(numbers: FunctionDetector) -> None:
    def broken(messages: Sequence[BaseMessage]) -> str:
        raise ConnectionError("no cloud today")

    with pytest.raises(ConnectionError, match="no cloud today") as caught:
        agent(Agent(speak=broken), Verifier([numbers])).invoke(ASKED)
    assert any("recorded as outcome" in note for note in caught.value.__notes__)
    rescued = agent(Agent(speak=broken), Verifier([numbers], models=[lambda text: "Tall."]))
    assert rescued.invoke(ASKED)["messages"][-1].text == "Tall."


def held(numbers: FunctionDetector, **options: Any) -> tuple[Any, Agent, dict[str, Any]]:
    speaker = speaking(lambda messages: BAD)
    wrapped = agent(speaker, Verifier([numbers], **options), checkpointer=InMemorySaver())
    config = {"configurable": {"thread_id": "t"}}
    found = wrapped.invoke(ASKED, config)
    [interrupted] = found["__interrupt__"]
    assert interrupted.value["kind"] == "trust.review"
    assert str(WRONG) not in str(found)
    return wrapped, speaker, config


def test_a_held_answer_waits_for_a_person(numbers: FunctionDetector) -> None:
    wrapped, speaker, config = held(numbers)
    asked = len(speaker.heard)
    state = wrapped.invoke(Command(resume={"text": "It is rather tall."}), config)
    assert [m.text for m in state["messages"]][-1] == "It is rather tall."
    assert len(state["messages"]) == 4
    assert state["trust"]["reviewed"]
    assert len(speaker.heard) == asked  # the model was not asked again
    assert str(WRONG) not in str(list(wrapped.get_state_history(config)))


def test_a_person_may_refuse_or_accept(numbers: FunctionDetector, tmp_path: Path) -> None:
    wrapped, _, config = held(numbers)
    state = wrapped.invoke(Command(resume="refuse"), config)
    assert "refused it" in state["messages"][-1].text
    with AuditStore.create(f"sqlite:///{tmp_path / 'audit.db'}") as store:
        wrapped, _, config = held(numbers, store=store)
        state = wrapped.invoke(Command(resume="accept"), config)
    assert state["messages"][-1].text == BAD
    assert state["trust"]["accepted"]


def test_a_word_that_cannot_be_followed_is_asked_for_again(numbers: FunctionDetector) -> None:
    wrapped, _, config = held(numbers)
    for word, problem in (("accept", "is in no store"), ("maybe", "or \"refuse\", got 'maybe'")):
        [again] = wrapped.invoke(Command(resume=word), config)["__interrupt__"]
        assert again.value["kind"] == "trust.review"
        assert problem in again.value["problem"]
    state = wrapped.invoke(Command(resume={"text": "At last."}), config)
    assert state["messages"][-1].text == "At last."


def test_without_interrupts_the_refusal_stands(numbers: FunctionDetector) -> None:
    wrapped = agent(speaking(lambda messages: BAD), Verifier([numbers]), interrupts=False)
    state = wrapped.invoke(ASKED)
    assert "held for a person" in state["messages"][-1].text


def test_a_next_turn_starts_afresh(numbers: FunctionDetector) -> None:
    wrapped, speaker, config = held(numbers)
    wrapped.invoke(Command(resume={"text": "Tall."}), config)
    speaker.speak = lambda messages: "It is 43, I said."
    state = wrapped.invoke({"messages": [HumanMessage("Really?")]}, config)
    assert state["messages"][-1].text == "It is 43, I said."
    assert state["trust"]["accepted"]
    assert "reviewed" not in state["trust"]


def test_calls_are_counted() -> None:
    counting = Counting()
    agent(speaking(mended), Verifier([counting])).invoke(ASKED)
    assert counting.batches == [1, 1]


async def test_its_verdict_is_an_event(numbers: FunctionDetector) -> None:
    events = [e async for e in agent(speaking(mended), Verifier([numbers])).astream_events(
        ASKED, version="v2")]  # fmt: skip
    told = [e for e in events if e["event"] == "on_custom_event"]
    assert [(e["name"], e["data"]["attempts"]) for e in told] == [("trust.verdict", 2)]
    assert str(WRONG) not in str(events)


@pytest.mark.filterwarnings("ignore:astream_log is deprecated")
async def test_no_log_shows_a_draft(numbers: FunctionDetector) -> None:
    wrapped = agent(speaking(mended), Verifier([numbers]))
    patches = [patch async for patch in wrapped.astream_log(ASKED)]
    assert GOOD in str(patches)
    assert str(WRONG) not in str(patches)
