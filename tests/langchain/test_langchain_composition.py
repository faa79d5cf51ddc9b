"""LangChain's own ways of composing, with `trusted` inside, many at once."""

from __future__ import annotations

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import (
    ConfigurableField,
    Runnable,
    RunnableBranch,
    RunnableConfig,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)

from tests.langchain.conftest import (
    PROMPT,
    WRONG,
    Memory,
    Shelf,
    Speaker,
    giving,
    knowing,
    mending,
    rag,
)
from trustlayer import Verifier
from trustlayer.finding import FunctionDetector
from trustlayer_langchain import Answer, TrustedChatModel, live, trusted

MANY = range(1000, 1064)
ASKED = [f"How tall is tower {n}?" for n in MANY]


class Flaky:
    """Fails the first time that it hears of a thing, as clouds do."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, given: str) -> str:
        with self._lock:
            fresh = given not in self._seen
            self._seen.add(given)
        if fresh:
            raise ConnectionError(f"not yet: {given}")
        return given


def composed(
    numbers: FunctionDetector, memory: Memory, *, flaky: bool = True
) -> Runnable[str, Any]:
    """Everything at once: parallel, a branch, retries, fallbacks, a stream and a chat model.

    LangChain does not retry what is streamed: for streams, nothing may be *flaky*.
    """
    verifier = Verifier([numbers], store=memory)
    good = trusted(rag(Speaker(speak=mending)), verifier)
    first: Any = Flaky() if flaky else str
    retried = trusted(RunnableLambda(first) | rag(Speaker(speak=mending)), verifier)
    broken = trusted(RunnableLambda(_broken), verifier)
    model = TrustedChatModel(model=Speaker(speak=mending), verifier=verifier)
    messages: Runnable[str, Any] = {
        "context": Shelf(),
        "question": RunnablePassthrough(),
    } | PROMPT
    return RunnableParallel(
        plain=good | StrOutputParser(),
        branch=RunnableBranch((lambda asked: int(asked[-2]) % 2 == 0, good), retried.with_retry(
            wait_exponential_jitter=False, stop_after_attempt=3)) | StrOutputParser(),
        fallback=broken.with_fallbacks([good]).with_config(tags=["spare"]) | StrOutputParser(),
        live=live(rag(Speaker(speak=knowing)), verifier) | StrOutputParser(),
        chat=messages | model.with_config(run_name="chat") | StrOutputParser(),
    )  # fmt: skip


def _broken(given: str) -> str:
    raise ConnectionError("no cloud today")


def expect(found: dict[str, str], number: int) -> None:
    height = f"It is {number} metres tall."
    assert found.pop("chat").startswith("This answer could not")  # it was given no passages
    assert found == dict.fromkeys(("plain", "branch", "fallback", "live"), height)
    assert str(WRONG) not in str(found)


async def test_sixty_four_at_once(numbers: FunctionDetector, memory: Memory) -> None:
    chain = composed(numbers, memory)
    found = await asyncio.gather(*map(chain.ainvoke, ASKED))
    for number, one in zip(MANY, found, strict=True):
        expect(one, number)
    _not_mixed(memory)


def test_sixty_four_threads(numbers: FunctionDetector, memory: Memory) -> None:
    chain = composed(numbers, memory)
    with ThreadPoolExecutor(64) as pool:
        found = list(pool.map(chain.invoke, ASKED))
    for number, one in zip(MANY, found, strict=True):
        expect(one, number)
    _not_mixed(memory)


def _not_mixed(memory: Memory) -> None:
    runs = [outcome.correlation["run_id"] for outcome in memory.outcomes]
    assert len(set(runs)) == len(runs) >= 6 * 64
    for outcome in memory.outcomes:
        for verdict in outcome.verdicts:
            assert all(outcome.prompt[:23] in passage for passage in verdict.exchange.context)


@pytest.mark.parametrize("most", [1, 4, 64])
def test_batches_keep_their_order_and_their_bound(
    numbers: FunctionDetector, memory: Memory, most: int
) -> None:
    under_way, highest, lock = 0, 0, threading.Lock()

    def slowly(given: str) -> str:
        nonlocal under_way, highest
        with lock:
            under_way += 1
            highest = max(highest, under_way)
        try:
            return given
        finally:
            with lock:
                under_way -= 1

    chain = trusted(RunnableLambda(slowly) | rag(Speaker(speak=mending)), Verifier([numbers]))
    found = chain.batch(ASKED, {"max_concurrency": most})
    assert [m.text for m in found] == [f"It is {n} metres tall." for n in MANY]
    assert highest <= most


async def test_as_completed(numbers: FunctionDetector) -> None:
    chain = trusted(rag(Speaker(speak=mending)), Verifier([numbers]))
    config = RunnableConfig(max_concurrency=8)
    done = dict(chain.batch_as_completed(ASKED[:8], config))
    assert {n: m.text for n, m in done.items() if isinstance(m, Answer)} == {
        n: f"It is {1000 + n} metres tall." for n in range(8)
    }
    later = {n: m async for n, m in chain.abatch_as_completed(ASKED[:8], config)}
    assert sorted(later) == list(range(8))


async def test_events_of_sixty_four_at_once(numbers: FunctionDetector, memory: Memory) -> None:
    chain = composed(numbers, memory, flaky=False)

    async def told(asked: str) -> list[Any]:
        return [event async for event in chain.astream_events(asked, version="v2")]

    found = await asyncio.gather(*map(told, ASKED))
    seen: set[str] = set()
    for number, events in zip(MANY, found, strict=True):
        text = str(events)
        assert str(WRONG) not in text
        assert set(re.findall(r"It is (\d+) metres", text)) == {str(number)}
        runs = {event["run_id"] for event in events}
        assert not runs & seen
        seen |= runs
        verdicts = [e for e in events if e["event"] == "on_custom_event"]
        assert {e["name"] for e in verdicts} == {"trust.verdict"}
        assert len(verdicts) >= 5


def test_ids_that_are_given_are_kept(numbers: FunctionDetector, memory: Memory) -> None:
    chain = trusted(rag(Speaker(speak=knowing)), Verifier([numbers], store=memory))
    given = uuid4()
    chain.with_config(run_name="mine").invoke("How tall?", {"run_id": given})
    assert UUID(memory.outcomes[0].correlation["run_id"]) == given


def test_parents_are_recorded(numbers: FunctionDetector, memory: Memory) -> None:
    chain = trusted(rag(Speaker(speak=knowing)), Verifier([numbers], store=memory))
    given = uuid4()
    (RunnableLambda(lambda asked: asked) | chain).invoke("How tall?", {"run_id": given})
    assert UUID(memory.outcomes[0].correlation["parent_run_id"]) == given


def test_what_is_configurable_stays_so(numbers: FunctionDetector) -> None:
    first = Speaker(speak=knowing)
    field = ConfigurableField(id="cloud")
    either = first.configurable_alternatives(
        field, default_key="first", second=Speaker(speak=lambda messages: "It is tall.")
    )
    chain = trusted(rag(either), Verifier([numbers]))
    assert [spec.id for spec in chain.config_specs] == ["cloud"]
    assert chain.invoke("How tall?").text == "It is 43 metres tall."
    second = chain.with_config(configurable={"cloud": "second"})
    assert second.invoke("How tall?").text == "It is tall."


def test_it_is_drawn(numbers: FunctionDetector) -> None:
    chain = trusted(rag(Speaker(speak=knowing)), Verifier([numbers]))
    drawn = (chain | StrOutputParser()).get_graph().draw_mermaid()
    for name in ("Shelf", "ChatPromptTemplate", "speaker", "trusted", "StrOutputParser"):
        assert name in drawn
    both = RunnableParallel(one=chain, two=giving("?")).get_graph()
    assert "trusted" in [node.name for node in both.nodes.values()]


def test_listeners_and_types(numbers: FunctionDetector) -> None:
    heard: list[str] = []
    chain = trusted(rag(Speaker(speak=knowing)), Verifier([numbers]))
    listened = chain.with_listeners(on_end=lambda run: heard.append(str(run.name)))
    typed = listened.with_types(input_type=str)
    assert typed.invoke("How tall?").text == "It is 43 metres tall."
    assert heard == ["trusted"]


def test_messages_are_questions_too(numbers: FunctionDetector) -> None:
    chain = trusted(Speaker(speak=lambda messages: "It is 7."), Verifier([numbers]),
                    context=lambda given: "7 it is")  # fmt: skip
    assert [m.text for m in chain.transform(iter([[HumanMessage("How many?")]]))] == ["It is 7."]
