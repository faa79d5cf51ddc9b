"""A live chain streams what has passed, and no token of what has not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda

from tests.langchain.conftest import PROMPT, WRONG, Memory, Speaker, giving, knowing, rag
from trustlayer import Verifier
from trustlayer.finding import FunctionDetector
from trustlayer_langchain import Live, live


def slipping(messages: Sequence[BaseMessage]) -> str:
    """Right, then wrong; once told so, it goes on as it should."""
    if "Doubtful in it" in str(messages[-1].text):
        return "It stands on a rock."
    return f"It is 43 metres tall. It has {WRONG} steps. And so on."


GOOD = "It is 43 metres tall. It stands on a rock."


def chain(detector: FunctionDetector, speak: Any, store: Memory | None = None) -> Live:
    return live(rag(Speaker(speak=speak)), Verifier([detector], store=store))


def test_sentences_come_as_they_pass(numbers: FunctionDetector, memory: Memory) -> None:
    chunks = list(chain(numbers, slipping, memory).stream("How tall?"))
    assert [str(chunk.text) for chunk in chunks] == [
        "It is 43 metres tall.",
        " It stands on a rock.",
        "",
    ]
    assert chunks[-1].response_metadata["trust"]["accepted"] is True
    [outcome] = memory.outcomes
    assert outcome.answer == GOOD
    assert outcome.best is not None
    assert outcome.best.exchange.context == ("The tower is 43 metres tall. Asked: How tall?",)
    assert outcome.correlation["run_id"]


async def test_awaited(numbers: FunctionDetector) -> None:
    texts = [str(c.text) async for c in chain(numbers, slipping).astream("How tall?")]
    assert "".join(texts) == GOOD
    assert str((await chain(numbers, slipping).ainvoke("How tall?")).text) == GOOD


def test_invoked(numbers: FunctionDetector) -> None:
    message = chain(numbers, slipping).invoke("How tall?")
    assert isinstance(message, AIMessageChunk)
    assert str(message.text) == GOOD
    assert message.response_metadata["trust"]["attempts"] == 2


def test_in_a_chain(numbers: FunctionDetector) -> None:
    assert "".join((chain(numbers, knowing) | StrOutputParser()).stream("How tall?")) == (
        "It is 43 metres tall."
    )


def test_what_is_not_accepted_ends_in_a_refusal(numbers: FunctionDetector) -> None:
    def wrong(messages: Sequence[BaseMessage]) -> str:
        return f"It stands there. It has {WRONG} steps."

    *before, last = chain(numbers, wrong).stream("How tall?")
    assert str(WRONG) not in str(before) + str(last)
    assert last.response_metadata["trust"]["accepted"] is False
    assert "could not be verified" in str(last.text)


async def test_no_token_of_a_rejected_draft_is_an_event(numbers: FunctionDetector) -> None:
    events = [
        event async for event in chain(numbers, slipping).astream_events("How tall?", version="v2")
    ]
    assert events
    assert str(WRONG) not in str(events)


async def test_its_verdict_is_an_event(numbers: FunctionDetector) -> None:
    wrapped = chain(numbers, slipping)
    events = [e async for e in wrapped.astream_events("How tall?", version="v2")]
    assert [e["name"] for e in events if e["event"] == "on_custom_event"] == ["trust.verdict"]


@pytest.mark.filterwarnings("ignore:astream_log is deprecated")
async def test_no_log_shows_a_rejected_token(numbers: FunctionDetector) -> None:
    patches = [patch async for patch in chain(numbers, slipping).astream_log("How tall?")]
    assert "stands on a rock" in str(patches)
    assert str(WRONG) not in str(patches)


MODES = ["values", "updates", "messages", "custom", "debug"]


async def test_no_stream_of_a_graph_shows_a_rejected_token(numbers: FunctionDetector) -> None:
    graph = pytest.importorskip("langgraph.graph", reason="needs the extra langchain")
    wrapped = chain(numbers, slipping)

    def answer(state: dict[str, Any]) -> dict[str, Any]:
        return {"answer": wrapped.invoke("How tall?")}

    async def later(state: dict[str, Any]) -> dict[str, Any]:
        return {"answer": await wrapped.ainvoke("How tall?")}

    built = graph.StateGraph(dict)
    built.add_node("answer", RunnableLambda(answer, later))
    built.add_edge(graph.START, "answer")
    compiled = built.compile()
    seen = list(compiled.stream({}, stream_mode=MODES))
    awaited = [item async for item in compiled.astream({}, stream_mode=MODES)]
    for found in (seen, awaited):
        assert GOOD in str(found)
        assert str(WRONG) not in str(found)


def test_it_describes_itself(numbers: FunctionDetector) -> None:
    wrapped = live(PROMPT | Speaker(speak=knowing), Verifier([numbers]))
    assert set(wrapped.get_input_jsonschema()["properties"]) == {"question", "context"}
    assert "live" in wrapped.get_graph().draw_mermaid()


def test_what_is_no_text_is_not_let_through(numbers: FunctionDetector) -> None:
    wrapped = live(giving(3.5), Verifier([numbers]), context=lambda given: "a passage")
    [last] = wrapped.stream("How tall?")
    assert last.response_metadata["trust"]["accepted"] is False


def test_the_context_may_be_given(numbers: FunctionDetector, memory: Memory) -> None:
    verifier = Verifier([numbers], store=memory)
    wrapped = live(Speaker(speak=lambda m: "It is 50 m."), verifier, context=lambda given: "50 m")
    assert str(wrapped.invoke("How tall?").text) == "It is 50 m."
    assert memory.outcomes[0].context == ("50 m",)


def test_whoever_leaves_is_recorded(numbers: FunctionDetector, memory: Memory) -> None:
    stream = chain(numbers, slipping, memory).stream("How tall?")
    assert str(next(stream).text) == "It is 43 metres tall."
    stream.close()  # type: ignore[attr-defined]
    assert memory.outcomes[0].interrupted == "interrupted by GeneratorExit"


@pytest.mark.parametrize("hold", [0, 1_000])
def test_a_short_answer_may_be_begun_anew(numbers: FunctionDetector, hold: int) -> None:
    wrapped = live(rag(Speaker(speak=slipping)), Verifier([numbers]), hold=hold)
    expected = GOOD if not hold else "It stands on a rock."
    assert str(wrapped.invoke("How tall?").text) == expected
