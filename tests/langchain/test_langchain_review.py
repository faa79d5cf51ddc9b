"""Threads that wait for a person go on with what was decided at the review desk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

pytest.importorskip("langchain", reason="needs the extra langchain")

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from tests.langchain.conftest import WRONG, Speaker
from trustlayer import Verifier
from trustlayer.audit import AuditStore
from trustlayer.audit.review import Choice, Ruling, decide
from trustlayer.finding import FunctionDetector
from trustlayer_langchain.agents import TrustMiddleware
from trustlayer_langchain.review import aresume, held, resume

ASKED: Any = {"messages": [HumanMessage("How tall is the tower?")]}
BAD = f"It is {WRONG} metres tall."
CONFIG: Any = {"configurable": {"thread_id": "t"}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AuditStore]:
    with AuditStore.create(f"sqlite:///{tmp_path}/audit.db") as made:
        yield made


@pytest.fixture
def waiting(numbers: FunctionDetector, store: AuditStore) -> Any:
    """An agent whose thread waits for a person."""
    middleware = TrustMiddleware(Verifier([numbers], store=store))
    model = Speaker(speak=lambda messages: BAD)
    agent = create_agent(model, middleware=[middleware], checkpointer=InMemorySaver())
    assert "__interrupt__" in agent.invoke(ASKED, CONFIG)
    return agent


@pytest.mark.parametrize(
    ("ruling", "said", "action"),
    [
        (Ruling(Choice.APPROVE), BAD, "accept"),
        (Ruling(Choice.EDIT, "It is 43 metres tall."), "It is 43 metres tall.", "accept"),
        (Ruling(Choice.REJECT), "refused it", "refuse"),
    ],
)
def test_a_thread_goes_on_with_the_decision(
    waiting: Any, store: AuditStore, ruling: Ruling, said: str, action: str
) -> None:
    id = held(waiting, CONFIG)
    assert id is not None
    assert resume(waiting, store, CONFIG, timeout=0) is None
    timer = Timer(0.1, decide, [store, id, "ann", ruling])
    timer.start()
    state = resume(waiting, store, CONFIG, timeout=30)
    timer.join()
    assert state is not None
    assert said in state["messages"][-1].text
    assert state["trust"]["action"] == action
    assert state["trust"]["reviewed"]
    assert held(waiting, CONFIG) is None
    assert resume(waiting, store, CONFIG) is None  # it has gone on


def test_awaited(waiting: Any, store: AuditStore) -> None:
    id = held(waiting, CONFIG)
    assert id is not None
    decide(store, id, "ann", Ruling(Choice.EDIT, "Tall."))
    state = asyncio.run(aresume(waiting, store, CONFIG))
    assert state is not None
    assert state["messages"][-1].text == "Tall."
    assert asyncio.run(aresume(waiting, store, CONFIG)) is None
