"""`trusted`: what goes in, what comes out, and what the store is told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.load import dumpd, load
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import (
    RunnableBranch,
    RunnableConfig,
    RunnableLambda,
    RunnableParallel,
)
from pydantic import BaseModel

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
from trustlayer import Action, Detector, Model, Policy, Price, Verifier
from trustlayer.audit import AuditStore
from trustlayer.finding import FunctionDetector
from trustlayer_langchain import Answer, NoQuestion, Refusal, model, trusted

OPENAI_LIKE = {
    "model_name": "cloud-2026-01-31",
    "logprobs": {"content": [{"token": "It", "logprob": -0.25}, {"token": "!", "logprob": 1e-9}]},
}


def verifier(detector: Detector, **options: Any) -> Verifier:
    return Verifier([detector], **options)


def test_an_accepted_answer_is_an_answer(numbers: FunctionDetector, memory: Memory) -> None:
    chain = trusted(rag(Speaker(speak=knowing)), verifier(numbers, store=memory))
    message = chain.invoke("How tall is the tower?")
    assert isinstance(message, Answer)
    assert message.text == message.output == "It is 43 metres tall."
    assert message.trust["accepted"]
    assert message.trust["action"] == "accept"
    assert message.trust["risks"] == {"numbers": 0.0}
    [outcome] = memory.outcomes
    assert message.trust["outcome_id"] == outcome.id
    assert message.outcome is outcome
    assert outcome.prompt == "How tall is the tower?"
    assert outcome.verdicts[0].exchange.context == (
        "The tower is 43 metres tall. Asked: How tall is the tower?",
    )


def test_a_revision_keeps_what_was_retrieved(numbers: FunctionDetector) -> None:
    speaker = Speaker(speak=mending)
    message = trusted(rag(speaker), verifier(numbers)).invoke("How tall?")
    assert message.text == "It is 43 metres tall."
    assert message.outcome is not None
    first, second = message.outcome.attempts
    assert [first.action, second.action] == [Action.REVISE, Action.ACCEPT]
    contexts = {verdict.exchange.context for verdict in message.outcome.verdicts}
    assert contexts == {("The tower is 43 metres tall. Asked: How tall?",)}
    advice = speaker.heard[1][-1]
    assert isinstance(advice, HumanMessage)
    assert f'"{WRONG}": {WRONG} is nowhere' in advice.text
    assert speaker.heard[1][:-1] == speaker.heard[0]


def test_a_refusal_shows_nothing_of_the_drafts(numbers: FunctionDetector) -> None:
    message = trusted(rag(Speaker(speak=erring)), verifier(numbers)).invoke("How tall?")
    assert isinstance(message, Refusal)
    assert message.action is Action.HOLD
    assert "held for a person" in message.text
    assert str(message.trust["outcome_id"]) in message.text
    assert message.trust["evidence"] == [{"detector": "numbers", "start": 6, "end": 10}]
    assert "90" not in repr(message).replace(str(message.trust["outcome_id"]), "")
    assert message.outcome is not None
    assert message.outcome.best is not None
    assert "is nowhere" in message.outcome.best.findings["numbers"].evidence[0].reason


def test_a_refusal_says_what_one_wants_it_to(numbers: FunctionDetector) -> None:
    chain = trusted(
        rag(Speaker(speak=erring)),
        verifier(numbers, policy=Policy(otherwise=Action.REFUSE)),
        refusal=lambda outcome: f"Sorry ({outcome.action}).",
    )
    assert chain.invoke("How tall?").text == "Sorry (refuse)."


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
def test_both_survive_serialisation_as_plain_messages(numbers: FunctionDetector) -> None:
    for speak, accepted in ((knowing, True), (erring, False)):
        message = trusted(rag(Speaker(speak=speak)), verifier(numbers)).invoke("How tall?")
        back = load(dumpd(message), allowed_objects="core")
        assert type(back) is AIMessage
        assert back.response_metadata["trust"]["accepted"] is accepted
        assert AIMessage.model_validate_json(message.model_dump_json()).text == message.text


def test_the_ladder_goes_to_the_fallbacks_then_to_the_verifiers_models(
    numbers: FunctionDetector,
) -> None:
    asked: list[str] = []

    def last(text: str) -> str:
        asked.append(text)
        return "It is 43 metres tall."

    chain = trusted(
        rag(Speaker(speak=erring, name="small")),
        verifier(numbers, models=[Model.of(last, "last")]),
        fallbacks=[rag(Speaker(speak=erring, name="large"))],
    )
    message = chain.invoke("How tall?")
    assert message.outcome is not None
    assert [a.model for a in message.outcome.attempts] == ["small"] * 2 + ["large"] * 2 + ["last"]
    assert message.text == "It is 43 metres tall."
    # The last one has no retriever: it is given what the others found.
    assert "[1] The tower is 43 metres tall. Asked: How tall?" in asked[0]


def test_a_chat_model_may_be_the_verifiers(numbers: FunctionDetector) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 500, "total_tokens": 1500}
    said = AIMessage("It is 43.", usage_metadata=usage, response_metadata=OPENAI_LIKE)
    cloud = model(Speaker(speak=lambda messages: said), price=Price(2.0, 4.0))
    outcome = verifier(numbers, models=[cloud]).run("How tall?", ["It is 43 metres tall."])
    [attempt] = outcome.attempts
    assert outcome.answer == "It is 43."
    assert attempt.model == "cloud-2026-01-31"
    assert (attempt.tokens_in, attempt.tokens_out, attempt.cost) == (1000, 500, 0.004)
    named = model(Speaker(speak=lambda messages: said), name="mine")
    outcome = verifier(numbers, models=[named]).run("How tall?", ["It is 43 metres tall."])
    assert outcome.attempts[0].model == "mine"


def test_tokens_prices_and_probabilities_are_recorded(numbers: FunctionDetector) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 500, "total_tokens": 1500}
    said = AIMessage("It is tall.", usage_metadata=usage, response_metadata=OPENAI_LIKE)
    chain = trusted(
        PROMPT.partial(context="") | Speaker(speak=lambda messages: said) | StrOutputParser(),
        verifier(numbers),
        prices={"cloud": Price(2.0, 4.0), "cloud-2026": Price(20.0, 40.0)},
    )
    outcome = chain.invoke({"question": "How tall?"}).outcome
    assert outcome is not None
    [attempt] = outcome.attempts
    assert attempt.model == "cloud-2026-01-31"
    assert (attempt.tokens_in, attempt.tokens_out, attempt.cost) == (1000, 500, 0.04)
    assert outcome.verdicts[0].exchange.logprobs == (-0.25, 0.0)


@pytest.mark.parametrize(
    "context",
    [
        "docs",
        lambda given: [Document("It is 43 metres tall."), "Or 999."],
        RunnableLambda(lambda given: given["docs"]),
        Shelf(),
    ],
)
def test_the_context_may_come_from_elsewhere(numbers: FunctionDetector, context: Any) -> None:
    speaker = Speaker(speak=lambda messages: "It is 43 metres tall.")
    chain = trusted(PROMPT.partial(context="") | speaker, verifier(numbers), context=context)
    message = chain.invoke({"question": "How tall?", "docs": Document("It is 43 metres tall.")})
    assert isinstance(message, Answer)
    assert message.outcome is not None
    assert "43 metres" in message.outcome.context[0]


def test_what_tools_answered_before_is_context(numbers: FunctionDetector) -> None:
    history = [
        HumanMessage("How tall?"),
        AIMessage("", tool_calls=[{"name": "measure", "args": {}, "id": "1"}]),
        ToolMessage("43 metres", tool_call_id="1"),
    ]
    chain = trusted(Speaker(speak=lambda messages: "It is 43 metres tall."), verifier(numbers))
    for given in (history, {"messages": history}):
        message = (chain if given is history else _of_state(numbers)).invoke(given)
        assert isinstance(message, Answer)
        assert message.outcome is not None
        assert (message.outcome.prompt, message.outcome.context) == ("How tall?", ("43 metres",))


def _of_state(numbers: FunctionDetector) -> Any:
    pick = RunnableLambda(lambda state: state["messages"])
    return trusted(pick | Speaker(speak=lambda messages: "It is 43."), verifier(numbers))


def test_an_input_without_a_question_is_refused_with_advice(numbers: FunctionDetector) -> None:
    chain = trusted(giving("It is tall."), verifier(numbers))
    with pytest.raises(NoQuestion, match="the input has the keys 'frage', expected") as caught:
        chain.invoke({"frage": "How tall?"})
    assert 'question="..."' in caught.value.__notes__[0]
    with pytest.raises(NoQuestion, match="of type int"):
        chain.invoke(7)
    named = trusted(giving("It is tall."), verifier(numbers), question="frage")
    assert isinstance(named.invoke({"frage": "How tall?"}), Answer)


def test_a_chain_that_raises_raises_but_is_recorded(
    numbers: FunctionDetector, memory: Memory
) -> None:
    def broken(given: Any) -> str:
        raise ConnectionError("no cloud today")

    chain = trusted(RunnableLambda(broken), verifier(numbers, store=memory))
    with pytest.raises(ConnectionError, match="no cloud today") as caught:
        chain.invoke("How tall?")
    [outcome] = memory.outcomes
    assert outcome.id in caught.value.__notes__[0]
    assert outcome.action is Action.REFUSE
    assert chain.with_fallbacks([giving(AIMessage("spare"))]).invoke("?").text == "spare"
    results: list[Any] = chain.batch(["one", "two"], return_exceptions=True)
    assert [type(result) for result in results] == [ConnectionError, ConnectionError]


def test_an_error_of_one_rung_leads_to_the_next(numbers: FunctionDetector) -> None:
    def broken(given: Any) -> str:
        raise ConnectionError("no cloud today")

    chain = trusted(
        RunnableLambda(broken), verifier(numbers), fallbacks=[rag(Speaker(speak=knowing))]
    )
    message = chain.invoke("How tall?")
    assert isinstance(message, Answer)
    assert message.outcome is not None
    assert message.outcome.errors == ("ConnectionError: no cloud today",)


def test_retries_work_around_it(numbers: FunctionDetector) -> None:
    calls: list[str] = []

    def flaky(given: str) -> str:
        calls.append(given)
        if len(calls) < 3:
            raise ConnectionError("not yet")
        return "It is tall."

    chain = trusted(RunnableLambda(flaky), verifier(numbers))
    retried = chain.with_retry(wait_exponential_jitter=False, stop_after_attempt=3)
    assert isinstance(retried.invoke("How tall?"), Answer)


def test_config_reaches_the_inner_chain(numbers: FunctionDetector, memory: Memory) -> None:
    class Seen(BaseCallbackHandler):
        def __init__(self) -> None:
            self.runs: list[tuple[str, set[str], Any]] = []
            self.verdicts: list[Any] = []

        def on_chain_start(self, serialized: Any, inputs: Any, **kwargs: Any) -> None:
            self.runs.append((kwargs["name"], set(kwargs["tags"]), kwargs["metadata"].get("who")))

        def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
            self.verdicts.append((name, data))

    seen = Seen()
    config = RunnableConfig(
        callbacks=[seen],
        tags=["mine"],
        metadata={"who": "me"},
        run_name="outer",
        configurable={"thread_id": "t-1"},
    )
    message = trusted(rag(Speaker(speak=knowing)), verifier(numbers, store=memory)).invoke(
        "How tall?", config
    )
    names = [name for name, _, _ in seen.runs]
    assert names[0] == "outer"
    assert "RunnableSequence" in names
    assert all("mine" in tags and who == "me" for _, tags, who in seen.runs)
    assert seen.verdicts == [("trust.verdict", dict(message.trust))]
    [outcome] = memory.outcomes
    assert outcome.correlation["thread_id"] == "t-1"
    assert "run_id" in outcome.correlation


def test_it_composes(numbers: FunctionDetector) -> None:
    good = trusted(rag(Speaker(speak=knowing)), verifier(numbers))
    bad = trusted(rag(Speaker(speak=erring)), verifier(numbers)).with_config(tags=["bad"])
    both = RunnableParallel(good=good | StrOutputParser(), bad=bad)
    found = both.invoke("How tall?")
    assert found["good"] == "It is 43 metres tall."
    assert isinstance(found["bad"], Refusal)
    branch = RunnableBranch((lambda given: "tall" in str(given), good), bad)
    assert isinstance(branch.invoke("How tall?"), Answer)
    nested = trusted(good | StrOutputParser(), verifier(numbers), context=Shelf())
    assert isinstance(nested.invoke("How tall?"), Answer)


def test_it_describes_itself(numbers: FunctionDetector) -> None:
    prompt = ChatPromptTemplate.from_template("{question} {context}")
    chain = trusted(prompt | Speaker(speak=knowing), verifier(numbers))
    assert set(chain.get_input_jsonschema()["properties"]) == {"question", "context"}
    assert chain.get_output_jsonschema()["title"] == "AIMessage"
    names = [node.name for node in chain.get_graph().nodes.values()]
    assert names == ["PromptInput", "ChatPromptTemplate", "speaker", "trusted", "AIMessage"]
    assert chain.get_name() == "trusted"


def test_a_batch_is_examined_in_one_call_each_round() -> None:
    counting = Counting()
    chain = trusted(rag(Speaker(speak=mending)), Verifier([counting]))
    answers = chain.batch([f"How tall is tower {n}?" for n in (31, 32, 33)])
    assert [a.text for a in answers] == [f"It is {n} metres tall." for n in (31, 32, 33)]
    assert counting.batches == [3, 3]
    assert chain.batch([]) == []


async def test_an_awaited_batch_is_examined_in_one_call_each_round() -> None:
    counting = Counting()
    chain = trusted(rag(Speaker(speak=mending)), Verifier([counting]))
    answers = await chain.abatch(
        [f"How tall is tower {n}?" for n in (31, 32)], {"max_concurrency": 1}
    )
    assert [a.text for a in answers] == ["It is 31 metres tall.", "It is 32 metres tall."]
    assert counting.batches == [2, 2]


async def test_concurrent_requests_keep_their_documents(
    numbers: FunctionDetector, memory: Memory
) -> None:
    chain = trusted(rag(Speaker(speak=mending)), verifier(numbers, store=memory))
    asked = [f"How tall is tower {n}?" for n in range(100, 164)]
    answers = await asyncio.gather(*(chain.ainvoke(question) for question in asked))
    assert [a.text for a in answers] == [f"It is {n} metres tall." for n in range(100, 164)]
    run_ids = set()
    for answer, question in zip(answers, asked, strict=True):
        assert answer.outcome is not None
        for verdict in answer.outcome.verdicts:
            assert [c.split("Asked: ")[1] for c in verdict.exchange.context] == [question]
        run_ids.add(answer.outcome.correlation["run_id"])
    assert len(run_ids) == len(memory.outcomes) == 64


class Tower(BaseModel):
    name: str
    metres: int


def test_structured_outputs_are_examined_by_their_values(numbers: FunctionDetector) -> None:
    right = Tower(name="Skarvholm", metres=43)
    chain = giving(right)
    message = trusted(chain, verifier(numbers), context=lambda given: "43 metres").invoke("?")
    assert isinstance(message, Answer)
    assert message.output is right
    assert message.text == "name: Skarvholm\nmetres: 43"
    wrong = giving({"tower": [right.model_copy(update={"metres": 99})]})
    message = trusted(wrong, verifier(numbers), context=lambda given: "43 metres").invoke("?")
    assert isinstance(message, Refusal)


CALL = {"name": "open_gate", "args": {"metres": 99}, "id": "1"}


def test_tool_calls_are_never_silently_accepted(numbers: FunctionDetector) -> None:
    calling = giving(AIMessage("As you wish.", tool_calls=[CALL]))
    message = trusted(calling, verifier(numbers)).invoke("Open the gate")
    assert isinstance(message, Refusal)
    assert message.trust["unexamined"] == [{"detector": "tool_call"}]
    tolerant = Policy(tolerated=frozenset({"tool_call"}))
    message = trusted(calling, verifier(numbers, policy=tolerant)).invoke("Open the gate")
    assert isinstance(message, Answer)
    assert [call["name"] for call in message.tool_calls] == ["open_gate"]
    examined = trusted(calling, verifier(numbers), tools=True).invoke("Open the gate")
    assert isinstance(examined, Refusal)
    assert examined.trust["risks"] == {"numbers": 1.0}


@pytest.mark.parametrize(
    ("output", "declared"),
    [
        ("  ", "answer"),
        (None, "answer"),
        (b"\x00", "bytes"),
        (AIMessage([{"type": "text", "text": "See:"}, {"type": "image", "url": "x"}]), "image"),
        (AIMessage([{"type": "reasoning", "reasoning": "99 it is"}]), "reasoning"),
        ({"text": "It is tall.", "picture": object()}, "object"),
    ],
)
def test_what_no_detector_sees_is_declared(
    numbers: FunctionDetector, output: Any, declared: str
) -> None:
    message = trusted(giving(output), verifier(numbers)).invoke("How?")
    assert isinstance(message, Refusal)
    assert [u["detector"] for u in message.trust["unexamined"]] == [declared]


def test_only_the_part_that_counts_is_examined(numbers: FunctionDetector) -> None:
    inner = RunnableParallel(
        question=RunnableLambda(lambda given: given), answer=rag(Speaker(speak=mending))
    )
    message = trusted(inner, verifier(numbers), answer="answer").invoke("Is it 7 or 43?")
    assert isinstance(message, Answer)
    assert message.text == "It is 7 metres tall."
    assert message.output == {"question": "Is it 7 or 43?", "answer": "It is 7 metres tall."}
    taken = trusted(inner, verifier(numbers), answer=lambda output: output["answer"])
    assert isinstance(taken.invoke("Is it 7?"), Answer)
    with pytest.raises(KeyError, match="no key 'reply'"):
        trusted(inner, verifier(numbers), answer="reply").invoke("Is it 7?")


def test_messages_keep_what_they_were(numbers: FunctionDetector) -> None:
    said = AIMessage("It is tall.", id="m-1", response_metadata={"model": "cloud"})
    message = trusted(giving(said), verifier(numbers)).invoke("How tall?")
    assert isinstance(message, Answer)
    assert message.id == "m-1"
    assert message.response_metadata["model"] == "cloud"
    assert message.output is said
    assert "trust" not in said.response_metadata


def test_a_hundred_answers_are_a_hundred_outcomes(
    numbers: FunctionDetector, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'audit.db'}"
    with AuditStore.create(url) as store:
        speakers = {True: Speaker(speak=mending), False: Speaker(speak=erring)}
        chains = {
            kind: trusted(rag(speaker), verifier(numbers, store=store))
            for kind, speaker in speakers.items()
        }
        asked = [(n % 3 > 0, f"How tall is tower {n}?") for n in range(100)]
        answers = [chains[kind].invoke(question) for kind, question in asked]
        for (kind, question), answer in zip(asked, answers, strict=True):
            found = store.outcome(str(answer.trust["outcome_id"]))
            assert found.prompt == question
            assert (found.action is Action.ACCEPT) is isinstance(answer, Answer) is kind
        assert len({answer.trust["outcome_id"] for answer in answers}) == 100
