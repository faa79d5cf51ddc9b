"""Threads of a graph that wait for a person, resumed with what was decided at the review desk.

`TrustMiddleware` interrupts a thread whose answer is held; the desk records the decision in the
audit store; `resume` gives it to the thread, from whichever process has the graph and its
checkpoints. Needs the extra ``langchain``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

try:
    from langgraph.types import Command
except ImportError as error:
    error.add_note("graphs need an extra: pip install 'trustlayer[langchain]'")
    raise

from langchain_core.runnables import RunnableConfig

from trustlayer.audit import AuditStore
from trustlayer.audit.queue import aawait_decision, await_decision
from trustlayer.audit.review import Decision

REVIEW = "trust.review"  # the kind of `TrustMiddleware`'s interrupts


def held(graph: Any, config: RunnableConfig) -> str | None:
    """The id of the outcome whose held answer the thread of *config* waits for, if it does."""
    return _held(graph.get_state(config))


def resume(
    graph: Any, store: AuditStore, config: RunnableConfig, timeout: float | None = None
) -> dict[str, Any] | None:
    """Wait for the decision on what the thread of *config* waits for, and go on with it.

    Returns the state that the thread then comes to; None when nothing was decided within
    *timeout* seconds, or the thread waits for no decision: it has gone on already.
    """
    outcome = held(graph, config)
    found = None if outcome is None else await_decision(store, outcome, timeout)
    if found is None or held(graph, config) != outcome:  # somebody else has resumed it
        return None
    return cast("dict[str, Any]", graph.invoke(Command(resume=word(found)), config))


async def aresume(
    graph: Any, store: AuditStore, config: RunnableConfig, timeout: float | None = None
) -> dict[str, Any] | None:
    """Do what `resume` does, awaited."""
    outcome = _held(await graph.aget_state(config))
    found = None if outcome is None else await aawait_decision(store, outcome, timeout)
    if found is None or _held(await graph.aget_state(config)) != outcome:
        return None
    return cast("dict[str, Any]", await graph.ainvoke(Command(resume=word(found)), config))


def word(decision: Decision) -> dict[str, str] | str:
    """What `TrustMiddleware` has to be resumed with to follow *decision*."""
    return "refuse" if decision.answer is None else {"text": decision.answer}


def _held(state: Any) -> str | None:
    for interrupt in state.interrupts:
        told = cast("Mapping[str, Any]", interrupt.value)
        if isinstance(interrupt.value, Mapping) and told.get("kind") == REVIEW:
            return str(told["outcome_id"])
    return None
