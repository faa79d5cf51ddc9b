"""Steps that only examine, and a callback that only records."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnablePassthrough

from tests.langchain.conftest import (
    PROMPT,
    WRONG,
    Counting,
    Memory,
    Shelf,
    Speaker,
    erring,
    giving,
    knowing,
    mending,
    rag,
)
from trustlayer import Action, Outcome, Policy, Verifier
from trustlayer.finding import FunctionDetector
from trustlayer_langchain import Answer, Audit, Refusal, trusted, verify

FOUND = {"question": "How tall?", "context": [Document("It is 43 metres tall.")]}


def test_a_given_answer_is_examined_and_recorded(numbers: FunctionDetector, memory: Memory) -> None:
    step = verify(Verifier([numbers], store=memory, policy=Policy(revisions=3)))
    good = step.invoke({**FOUND, "answer": "It is 43 metres tall."})
    assert isinstance(good, Answer)
    assert good.text == "It is 43 metres tall."
    bad = step.invoke({**FOUND, "answer": "It is 44 metres tall."})
    assert isinstance(bad, Refusal)
    assert [o.prompt for o in memory.outcomes] == ["How tall?"] * 2
    assert [len(o.attempts) for o in memory.outcomes] == [1, 1]
    assert memory.outcomes[0].context == ("It is 43 metres tall.",)


def test_an_answer_does_not_bear_itself_out(numbers: FunctionDetector) -> None:
    chain = giving("It is 44 metres tall.") | verify(Verifier([numbers]))
    message = chain.invoke("How tall?")
    assert isinstance(message, Refusal)
    assert message.outcome is not None
    assert (message.outcome.prompt, message.outcome.context) == ("", ())
    said = giving(AIMessage("It is tall.", id="m")) | verify(Verifier([numbers]))
    assert said.invoke("?").id == "m"


def test_it_ends_a_chain_that_keeps_its_passages(numbers: FunctionDetector) -> None:
    found = RunnablePassthrough.assign(context=lambda given: Shelf().invoke(given["question"]))
    answered = PROMPT | Speaker(speak=knowing) | StrOutputParser()
    chain = found.assign(answer=answered) | verify(Verifier([numbers]))
    assert isinstance(chain.invoke({"question": "How tall is tower 31?"}), Answer)
    assert "".join((chain | StrOutputParser()).stream({"question": "How tall?"})).startswith("It")


def test_a_batch_of_answers_is_examined_in_one_call() -> None:
    counting = Counting()
    step = verify(Verifier([counting]))
    messages = step.batch([{**FOUND, "answer": f"It is {n} metres."} for n in (43, 44, 45)])
    assert [isinstance(m, Answer) for m in messages] == [True, False, False]
    assert counting.batches == [3]


def test_an_audit_changes_nothing(numbers: FunctionDetector, memory: Memory) -> None:
    audit = Audit(Verifier([numbers], store=memory))
    answer = rag(Speaker(speak=mending)).invoke("How tall?", {"callbacks": [audit]})
    assert answer == f"It is {WRONG} metres tall."
    [outcome] = memory.outcomes
    assert outcome.action is Action.HOLD
    assert outcome.context == ("The tower is 43 metres tall. Asked: How tall?",)
    assert outcome.prompt.endswith("Question: How tall?")
    assert audit._roots == {}
    assert audit._root_of == {}


async def test_audits_of_concurrent_runs_do_not_mix(numbers: FunctionDetector) -> None:
    told: list[Outcome] = []
    audit = Audit(Verifier([numbers]), told.append)
    chain = rag(Speaker(speak=knowing))
    asked = [f"How tall is tower {n}?" for n in range(100, 164)]
    await asyncio.gather(*(chain.ainvoke(q, {"callbacks": [audit]}) for q in asked))
    assert {outcome.action for outcome in told} == {Action.ACCEPT}
    assert sorted(c.split("Asked: ")[1] for o in told for c in o.context) == asked
    assert audit._roots == {}


def test_an_audit_of_a_model_alone_and_of_one_that_fails(numbers: FunctionDetector) -> None:
    told: list[Outcome] = []
    audit = Audit(Verifier([numbers]), told.append)
    Speaker(speak=lambda messages: "It is tall.").invoke("How tall?", {"callbacks": [audit]})
    assert [(o.prompt, o.answer) for o in told] == [("How tall?", "It is tall.")]

    def broken(messages: object) -> str:
        raise ConnectionError("no cloud today")

    with pytest.raises(ConnectionError):
        rag(Speaker(speak=broken)).invoke("How tall?", {"callbacks": [audit]})
    assert len(told) == 1
    assert audit._roots == {}


def test_an_audit_sees_the_drafts_inside_of_trusted(numbers: FunctionDetector) -> None:
    told: list[Outcome] = []
    audit = Audit(Verifier([numbers]), told.append)
    chain = trusted(rag(Speaker(speak=erring)), Verifier([numbers]))
    chain.invoke("How tall?", {"callbacks": [audit]})
    assert [outcome.action for outcome in told] == [Action.HOLD, Action.HOLD]
