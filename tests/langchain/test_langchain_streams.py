"""Whoever streams sees what was accepted, and no token of what was not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypedDict
from uuid import UUID

import pytest
from langchain_core.callbacks import (
    AsyncCallbackHandler,
    BaseCallbackHandler,
    StreamingStdOutCallbackHandler,
    UsageMetadataCallbackHandler,
)
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import Runnable, RunnableLambda
from langchain_core.tracers import BaseTracer, Run

from tests.langchain.conftest import WRONG, Speaker, mending, rag
from trustlayer import Verifier
from trustlayer.finding import FunctionDetector
from trustlayer_langchain import Answer, Refusal, Trusted, model, trusted

REJECTED = str(WRONG)  # in every first draft of `mending`
GOOD = "It is 43 metres tall."


@pytest.fixture
def chain(numbers: FunctionDetector) -> Trusted:
    return trusted(rag(Speaker(speak=mending)), Verifier([numbers]))


@pytest.fixture
def hopeless(numbers: FunctionDetector) -> Trusted:
    cloud = model(Speaker(speak=lambda messages: f"It is {WRONG} metres, by the verifier's own."))
    return trusted(
        rag(Speaker(speak=lambda messages: f"It is {WRONG} metres tall.")),
        Verifier([numbers], models=[cloud]),
        fallbacks=[rag(Speaker(speak=lambda messages: f"No, {WRONG} metres and a half."))],
    )


def test_stream(chain: Trusted, hopeless: Trusted) -> None:
    assert [(type(m), m.text) for m in chain.stream("How tall?")] == [(Answer, GOOD)]
    assert [type(m) for m in hopeless.stream("How tall?")] == [Refusal]
    assert REJECTED not in str(list(hopeless.stream("How tall?")))


async def test_astream(chain: Trusted, hopeless: Trusted) -> None:
    assert [m.text async for m in chain.astream("How tall?")] == [GOOD]
    assert REJECTED not in str([m async for m in hopeless.astream("How tall?")])


async def test_transform(chain: Trusted) -> None:
    assert [m.text for m in chain.transform(iter(["How ", "tall?"]))] == [GOOD]

    async def asked() -> AsyncIterator[str]:
        for word in ("How ", "tall?"):
            yield word

    [message] = [m async for m in chain.atransform(asked())]
    assert message.outcome is not None
    assert message.outcome.prompt == "How tall?"


def test_a_parser_behind_it_streams_too(chain: Trusted) -> None:
    assert "".join((chain | StrOutputParser()).stream("How tall?")) == GOOD


def test_an_exception_comes_out_of_a_stream(numbers: FunctionDetector) -> None:
    def broken(given: Any) -> str:
        raise ConnectionError("no cloud today")

    chain = trusted(RunnableLambda(broken), Verifier([numbers]))
    with pytest.raises(ConnectionError, match="no cloud today"):
        list(chain.stream("How tall?"))


async def test_events(chain: Trusted, hopeless: Trusted) -> None:
    for wrapped in (chain, hopeless | StrOutputParser()):
        events = [e async for e in wrapped.astream_events("How tall?", version="v2")]
        assert events
        assert REJECTED not in str(events)
    events = [e async for e in chain.astream_events("How tall?", version="v2")]
    [verdict] = [e for e in events if e["event"] == "on_custom_event"]
    assert verdict["name"] == "trust.verdict"
    data: Any = verdict["data"]
    assert data["accepted"]
    assert any(GOOD in str(e) for e in events)


@pytest.mark.filterwarnings("ignore:astream_log is deprecated")
async def test_log(chain: Trusted) -> None:
    patches = [patch async for patch in chain.astream_log("How tall?")]
    assert REJECTED not in str(patches)
    assert GOOD in str(patches)


async def test_events_of_many_at_once(chain: Trusted) -> None:
    async def told(number: int) -> str:
        asked = f"How tall is tower {number}?"
        return str([e async for e in chain.astream_events(asked, version="v2")])

    for number, found in enumerate(await asyncio.gather(*map(told, range(200, 216))), 200):
        assert f"It is {number} metres tall." in found
        others = [n for n in range(200, 216) if n != number]
        assert not any(f"It is {n} metres" in found for n in others)
        assert REJECTED not in found


def test_a_batch_inside_of_a_stream(hopeless: Trusted) -> None:
    def both(asked: str) -> list[Any]:
        return list(hopeless.batch([asked, asked]))

    batched: Runnable[str, list[Any]] = RunnableLambda(both)

    async def events() -> list[Any]:
        return [e async for e in batched.astream_events("How tall?", version="v2")]

    assert REJECTED not in str(asyncio.run(events()))


class Told(BaseCallbackHandler):
    """Remembers tokens, and who said what in the end."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.ends: list[str] = []

    def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(str(token))

    def on_llm_end(self, response: Any, **kwargs: Any) -> None:
        self.ends.append(response.generations[0][0].text)


class AwaitedTold(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.tokens: list[str] = []
        self.runs: list[UUID] = []

    async def on_llm_new_token(self, token: Any, **kwargs: Any) -> None:
        self.tokens.append(str(token))

    async def on_llm_end(self, response: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self.runs.append(run_id)


def _streaming(numbers: FunctionDetector) -> Trusted:
    # Its model streams inside, whether or not anybody listens.
    return trusted(rag(Speaker(speak=mending).bind(stream=True)), Verifier([numbers]))


def test_handlers_are_told_of_drafts_but_not_their_tokens(
    numbers: FunctionDetector, capsys: pytest.CaptureFixture[str]
) -> None:
    told, usage = Told(), UsageMetadataCallbackHandler()
    handlers = [told, usage, StreamingStdOutCallbackHandler()]
    message = _streaming(numbers).invoke("How tall?", {"callbacks": handlers})
    assert message.text == GOOD
    assert told.tokens == []
    assert len(told.ends) == 2
    assert capsys.readouterr().out == ""


async def test_awaited_handlers_too(numbers: FunctionDetector) -> None:
    told = AwaitedTold()
    await _streaming(numbers).ainvoke("How tall?", {"callbacks": [told]})
    assert told.tokens == []
    assert len(told.runs) == 2


def test_traces_stay_whole(chain: Trusted) -> None:
    class Tracer(BaseTracer):
        roots: list[Run]

        def _persist_run(self, run: Run) -> None:
            self.roots = [*getattr(self, "roots", []), run]

    tracer = Tracer()
    chain.invoke("How tall?", {"callbacks": [tracer]})
    [root] = tracer.roots
    assert root.name == "trusted"
    assert [run.name for run in root.child_runs] == ["RunnableSequence", "RunnableSequence"]
    assert REJECTED in str(root.child_runs[0].outputs)


class State(TypedDict):
    messages: list[BaseMessage]


def _graph(chain: Trusted) -> Any:
    graph = pytest.importorskip("langgraph.graph", reason="needs the extra langchain")

    def answer(state: State) -> State:
        return {"messages": [chain.invoke(state["messages"][0].text)]}

    async def later(state: State) -> State:
        return {"messages": [await chain.ainvoke(state["messages"][0].text)]}

    built = graph.StateGraph(State)
    built.add_node("answer", RunnableLambda(answer, later))
    built.add_edge(graph.START, "answer")
    return built.compile()


MODES = ["values", "updates", "messages", "custom", "debug"]


def test_graphs(chain: Trusted, hopeless: Trusted) -> None:
    asked = {"messages": [AIMessage("How tall?")]}
    seen = list(_graph(chain).stream(asked, stream_mode=MODES))
    assert REJECTED not in str(seen)
    assert GOOD in [chunk[0].text for mode, chunk in seen if mode == "messages"]
    assert REJECTED not in str(list(_graph(hopeless).stream(asked, stream_mode=MODES)))


async def test_awaited_graphs(chain: Trusted, hopeless: Trusted) -> None:
    asked = {"messages": [AIMessage("How tall?")]}
    seen = [item async for item in _graph(chain).astream(asked, stream_mode=MODES)]
    assert REJECTED not in str(seen)
    assert GOOD in [chunk[0].text for mode, chunk in seen if mode == "messages"]
    seen = [item async for item in _graph(hopeless).astream(asked, stream_mode=MODES)]
    assert REJECTED not in str(seen)


@pytest.mark.filterwarnings("ignore:.*v3.*is in beta")
@pytest.mark.filterwarnings("ignore:.*experimental")
async def test_graphs_by_their_newest_protocol(chain: Trusted, hopeless: Trusted) -> None:
    asked = {"messages": [AIMessage("How tall?")]}
    for wrapped in (chain, hopeless):
        run = await _graph(wrapped).astream_events(asked, version="v3")
        assert REJECTED not in str([event async for event in run])


def test_graphs_inside_of_it(numbers: FunctionDetector) -> None:
    graph = pytest.importorskip("langgraph.graph", reason="needs the extra langchain")

    def draft(state: State) -> State:
        return {"messages": [AIMessage(f"It is {WRONG} metres tall.")]}

    built = graph.StateGraph(State)
    built.add_node("draft", draft)
    built.add_edge(graph.START, "draft")
    inner = built.compile()
    last = trusted(inner, Verifier([numbers]), answer=lambda state: state["messages"][-1])

    def outer(state: State) -> State:
        return {"messages": [last.invoke({"messages": state["messages"]})]}

    built = graph.StateGraph(State)
    built.add_node("outer", outer)
    built.add_edge(graph.START, "outer")
    asked = {"messages": [AIMessage("How tall?")]}
    seen = list(built.compile().stream(asked, stream_mode=MODES, subgraphs=True))
    assert REJECTED not in str(seen)
