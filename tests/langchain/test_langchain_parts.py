"""Where the advice goes, what is taken for the question, and what for the passages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.chat_history import BaseChatMessageHistory, InMemoryChatMessageHistory
from langchain_core.documents import Document
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
from langchain_core.runnables import (
    Runnable,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from langchain_core.runnables.history import RunnableWithMessageHistory
from langchain_core.tools import tool

from tests.langchain.conftest import PROMPT, WRONG, Shelf, Speaker, giving, mending, rag
from trustlayer import Model, Request, Verifier
from trustlayer.finding import FunctionDetector
from trustlayer_langchain import Answer, Refusal, trusted
from trustlayer_langchain.advice import again
from trustlayer_langchain.inputs import NoQuestion, asking_again, question_of
from trustlayer_langchain.models import name_of
from trustlayer_langchain.passages import texts_of

ADVISED = Request("How tall?", draft="99", advice="Doubtful in it: 99")


def opaque(speaker: Speaker) -> Runnable[Any, str]:
    """A chain that does not show its model."""

    def answer(given: Any) -> str:
        return str(speaker.invoke(given).text)

    return RunnableLambda(answer)


@pytest.mark.parametrize(
    ("given", "key", "expected"),
    [
        ("How tall?", None, "How tall?\n\nDoubtful in it: 99"),
        (
            {"question": "How tall?", "lang": "en"},
            None,
            {"question": "How tall?\n\nDoubtful in it: 99", "lang": "en"},
        ),
        ({"frage": "How tall?"}, "frage", {"frage": "How tall?\n\nDoubtful in it: 99"}),
        (
            {"messages": [("human", "How tall?")]},
            None,
            {"messages": [HumanMessage("How tall?"), HumanMessage("Doubtful in it: 99")]},
        ),
        (
            HumanMessage("How tall?"),
            None,
            [HumanMessage("How tall?"), HumanMessage("Doubtful in it: 99")],
        ),
    ],
)
def test_an_opaque_chain_is_advised_by_its_question(given: Any, key: str, expected: Any) -> None:
    assert question_of(given, key) == "How tall?"
    assert asking_again(given, ADVISED, key) == expected
    chain = giving("It is tall.")
    assert again(chain, given, ADVISED, key, None) == (chain, expected)
    assert again(chain, given, Request("How tall?"), key, None) == (chain, given)


def test_an_opaque_chain_is_revised(numbers: FunctionDetector) -> None:
    speaker = Speaker(speak=lambda m: "It is 43." if "Doubtful" in str(m) else f"It is {WRONG}.")
    message = trusted(opaque(speaker), Verifier([numbers]), context=lambda given: "43").invoke("?")
    assert message.text == "It is 43."


def asks(messages: Sequence[BaseMessage]) -> str:
    return str([m.text for m in messages])


ASKED = {"question": "How tall?"}
ASKING = PROMPT.partial(context="-") | Speaker(speak=asks)


@pytest.mark.parametrize(
    ("chain", "given"),
    [
        (Speaker(speak=asks), "How tall?"),
        (Speaker(speak=asks).bind(stop=["x"]).with_config(tags=["t"]), [HumanMessage("How?")]),
        (Speaker(speak=asks).with_fallbacks([Speaker(speak=asks)]), "How tall?"),
        ((ASKING | StrOutputParser()).with_retry(), ASKED),
        (RunnablePassthrough.assign(answer=ASKING), ASKED),
        (RunnableParallel(answer=ASKING, other=RunnableLambda(lambda given: "other")), ASKED),
    ],
)
def test_a_model_that_shows_is_advised_last(chain: Any, given: Any) -> None:
    guided, same = again(chain, given, ADVISED, None, "answer")
    assert same == given
    assert "Doubtful in it: 99" in str(guided.invoke(given))


def test_the_advice_goes_to_the_chain_that_counts() -> None:
    prompt = PROMPT.partial(context="-")
    chain = RunnableParallel(
        answer=prompt | Speaker(speak=asks), question=prompt | Speaker(speak=asks)
    )
    guided, _ = again(chain, {"question": "How tall?"}, ADVISED, None, "answer")
    found = guided.invoke({"question": "How tall?"})
    assert "Doubtful" in found["answer"].text
    assert "Doubtful" not in found["question"].text


class Echo(FakeListLLM):
    """A model of texts that says what it is asked."""

    def _call(self, prompt: str, *args: Any, **kwargs: Any) -> str:
        return prompt


def test_a_model_of_texts_is_advised_too() -> None:
    chain = PromptTemplate.from_template("{question}") | Echo(responses=["-"])
    guided, _ = again(chain, ASKED, ADVISED, None, None)
    assert guided.invoke(ASKED) == "How tall?\n\nDoubtful in it: 99"


def test_names_are_those_of_models() -> None:
    assert name_of(rag(Speaker(speak=asks, name="cloud").with_config(tags=["t"]))) == "cloud"
    assert name_of(RunnableLambda(lambda given: given, name="plain")) == "plain"


@pytest.mark.parametrize(
    ("found", "texts"),
    [
        (None, ()),
        ("one", ("one",)),
        (Document("one"), ("one",)),
        ([Document("one"), "two"], ("one", "two")),
    ],
)
def test_passages_are_texts_or_documents(found: Any, texts: tuple[str, ...]) -> None:
    assert texts_of(found) == texts


@pytest.mark.parametrize("found", [7, [7], [["deep"]]])
def test_anything_else_is_no_passage(found: Any) -> None:
    with pytest.raises(TypeError, match="str or Document, one or several, got"):
        texts_of(found)


def test_a_context_that_cannot_be_had_is_an_error_of_its_input_alone(
    numbers: FunctionDetector,
) -> None:
    chain = trusted(giving("It is tall."), Verifier([numbers]), context="docs")
    with pytest.raises(KeyError, match="no key 'docs' for the context") as caught:
        chain.invoke({"question": "?"})
    assert "context=..." in caught.value.__notes__[0]
    inputs: list[Any] = [{"question": "?", "docs": "-"}, {"question": "?"}, {"docs": "-"}]
    found: list[Any] = chain.batch(inputs, return_exceptions=True)
    assert [type(result) for result in found] == [Answer, KeyError, NoQuestion]


async def test_an_awaited_context(numbers: FunctionDetector) -> None:
    async def find(given: str) -> list[str]:
        return ["It is 43 metres tall."]

    chain = trusted(giving("It is 43."), Verifier([numbers]), context=find)
    assert isinstance(await chain.ainvoke("How tall?"), Answer)


async def test_awaited_models_of_the_verifier(numbers: FunctionDetector) -> None:
    async def own(request: Request) -> str:
        return "It is 43."

    verifier = Verifier([numbers], models=[Model("own", own)])
    chain = trusted(giving("It is 99."), verifier, context=lambda given: "43")
    assert (await chain.ainvoke("How tall?")).text == "It is 43."


def test_tools_inside_of_a_chain_are_context(numbers: FunctionDetector) -> None:
    @tool
    def measure(what: str) -> str:
        """Measure something."""
        return f"{what}: 43 metres"

    def answer(question: str) -> str:
        return f"By {measure.invoke({'what': 'tower'})}"

    message = trusted(RunnableLambda(answer), Verifier([numbers])).invoke("How tall?")
    assert isinstance(message, Answer)
    assert message.outcome is not None
    assert message.outcome.verdicts[0].exchange.context == ("tower: 43 metres",)


@pytest.mark.filterwarnings("ignore:.* deprecated")
def test_a_history_around_it_holds_only_what_was_handed_out(numbers: FunctionDetector) -> None:
    prompt = ChatPromptTemplate.from_messages(
        [MessagesPlaceholder("history"), ("human", "Passages: {context}\n\nQuestion: {question}")]
    )
    found = RunnablePassthrough.assign(context=lambda given: Shelf().invoke(given["question"]))
    chain = trusted(found | prompt | Speaker(speak=mending), Verifier([numbers]))
    histories: dict[str, BaseChatMessageHistory] = {}

    def history(session_id: str) -> BaseChatMessageHistory:
        return histories.setdefault(session_id, InMemoryChatMessageHistory())

    talking = RunnableWithMessageHistory(
        chain, history, input_messages_key="question", history_messages_key="history"
    )
    config: Any = {"configurable": {"session_id": "s"}}
    message = talking.invoke({"question": "How tall?"}, config)
    assert isinstance(message, Refusal | Answer)
    assert message.text == "It is 43 metres tall."
    assert [m.text for m in histories["s"].messages] == ["How tall?", "It is 43 metres tall."]
    assert str(WRONG) not in str(histories["s"].messages)


def test_both_have_a_plain_form(numbers: FunctionDetector) -> None:
    message = trusted(giving("It is tall."), Verifier([numbers])).invoke("How tall?")
    plain = message.plain()
    assert type(plain).__name__ == "AIMessage"
    assert (plain.text, plain.response_metadata) == (message.text, message.response_metadata)
