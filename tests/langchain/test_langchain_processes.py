"""Holding in one process and resuming in another, by LangGraph's own checkpointer on SQLite."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("langchain", reason="needs the extra langchain")
pytest.importorskip("langgraph.checkpoint.sqlite", reason="needs langgraph-checkpoint-sqlite")

from langgraph.checkpoint.sqlite import SqliteSaver

from tests.langchain.conftest import WRONG

ROOT = Path(__file__).resolve().parents[2]
AGENT = """
import asyncio
import json
import sys

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from tests.langchain.conftest import Counting
from tests.langchain.test_langchain_agents import BAD, GOOD, measure, speaking
from trustlayer import Verifier
from trustlayer.audit import AuditStore
from trustlayer_langchain.agents import TrustMiddleware

asked = []


def answer(messages):
    asked.append(1)
    return GOOD if "good" in str(messages[0].text) else BAD


def agent(saver, store):
    middleware = TrustMiddleware(Verifier([Counting()], store=store))
    return create_agent(speaking(answer), [measure], middleware=[middleware], checkpointer=saver)


async def later(given, config, store):
    async with AsyncSqliteSaver.from_conn_string("state.db") as saver:
        return await agent(saver, store).ainvoke(given, config)


def told(word, thread, text):
    asked.clear()
    given = Command(resume={"text": text} if word == "text" else word)
    if word == "ask":
        given = {"messages": [HumanMessage(text)]}
    config = {"configurable": {"thread_id": thread}}
    with AuditStore.create("sqlite:///audit.db") as store:
        if thread == "awaited":
            state = asyncio.run(later(given, config, store))
        else:
            with SqliteSaver.from_conn_string("state.db") as saver:
                state = agent(saver, store).invoke(given, config)
    texts = [str(message.text) for message in state["messages"]]
    return [len(asked), texts, "__interrupt__" in state, state["trust"]["action"]]


print(json.dumps([told(*what) for what in json.loads(sys.argv[1])]))
"""
GRAPH = """
import sys
from typing import TypedDict

from langchain_core.messages import AIMessage, BaseMessage
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, StateGraph

from tests.langchain.conftest import Counting, Speaker, erring, knowing, rag
from trustlayer import Verifier
from trustlayer_langchain import trusted


class State(TypedDict):
    messages: list[BaseMessage]


def graph(speak, saver):
    chain = trusted(rag(Speaker(speak=speak)), Verifier([Counting()]))
    built = StateGraph(State)
    built.add_node("answer", lambda state: {"messages": [chain.invoke("How tall?")]})
    built.add_edge(START, "answer")
    return built.compile(checkpointer=saver)


with SqliteSaver.from_conn_string("state.db") as saver:
    for thread, speak in (("accept", knowing), ("hold", erring)):
        made, config = graph(speak, saver), {"configurable": {"thread_id": thread}}
        if sys.argv[1] == "write":
            made.invoke({"messages": []}, config)
        [message] = made.get_state(config).values["messages"]
        kind = type(message)
        print(kind.__module__, kind.__name__, message.response_metadata["trust"]["action"])
"""


def run(program: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *words],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "LANGGRAPH_STRICT_MSGPACK": "true"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def everything_kept() -> str:
    """All that the checkpoints of both ways hold, read back and raw."""
    with SqliteSaver.from_conn_string("state.db") as saver:
        read = [str(item) for item in saver.list(None)]
    return "".join(read) + Path("state.db").read_bytes().decode("latin-1")


def tell(*what: tuple[str, str, str]) -> list[Any]:
    """Do things in a process of their own; each is answered by what the state came to."""
    told: list[Any] = json.loads(run(AGENT, json.dumps(what)))
    return told


def test_held_in_one_process_and_resumed_in_another() -> None:
    good, *held = tell(
        ("ask", "good", "A good one?"),
        ("ask", "at once", "How tall?"),
        ("ask", "awaited", "How tall?"),
        ("ask", "by its name", "How tall?"),
    )
    # The model is called once for the tool, which does not count here, and once for each draft.
    assert good == [1, good[1], False, "accept"]
    assert good[1][-1] == "It is 43 metres tall."
    for calls, texts, interrupted, action in held:
        assert (calls, interrupted, action) == (2, True, "hold")  # a draft and its revision
        assert "could not be verified" in texts[-1]
    assert str(WRONG) not in everything_kept()
    *settled, named = tell(
        ("text", "at once", "A person's word."),
        ("text", "awaited", "A person's word."),
        ("refuse", "by its name", ""),
    )
    for calls, texts, interrupted, action in settled:
        assert (calls, interrupted, action) == (0, False, "accept")
        assert (len(texts), texts[-1]) == (4, "A person's word.")
    assert (named[0], named[3]) == (0, "refuse")
    assert str(WRONG) not in everything_kept()


def test_the_held_answer_itself_may_be_accepted_elsewhere() -> None:
    tell(("ask", "at once", "How tall?"))
    assert str(WRONG) not in everything_kept()
    [[calls, texts, _, action]] = tell(("accept", "at once", ""))
    assert (calls, action) == (0, "accept")
    assert texts[-1] == f"It is {WRONG} metres tall."  # out of the audit store


def test_answers_and_refusals_come_out_of_a_checkpoint_as_plain_messages() -> None:
    run(GRAPH, "write")
    plain = "langchain_core.messages.ai AIMessage"
    assert run(GRAPH, "read").splitlines() == [f"{plain} accept", f"{plain} hold"]
    assert str(WRONG) not in everything_kept()
