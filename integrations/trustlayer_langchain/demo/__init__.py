"""A guided tour: questions to a small RAG chain, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import Runnable, RunnablePassthrough

from trustlayer import Outcome, Policy, Price, Verifier, available, load
from trustlayer.verifier import Store
from trustlayer_langchain.demo import cloud, endpoint, script
from trustlayer_langchain.demo.handbook import PASSAGES
from trustlayer_langchain.demo.shelf import Shelf
from trustlayer_langchain.trusted import Trusted, trusted

DETECTORS = ("figures", "quotations", "grounding")
PRICES = {"skerry-mini": Price(0.2, 0.8), "skerry-grand": Price(3.0, 12.0)}
PROMPT = ChatPromptTemplate.from_messages(
    [
        ("system", "Answer the visitor's question from the handbook alone:\n\n{context}"),
        ("human", "{question}"),
    ]
)


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of the tour: what is to be seen, and what came of it."""

    title: str
    outcome: Outcome


TITLES = {
    script.LIT: "A sound answer is accepted",
    script.TALL: "A wrong figure is revised",
    script.STORM: "An invented quotation is revised",
    script.FOG: "An invented claim survives its revision: a stronger model is asked",
    script.VISITORS: "No model knows: the answer is held for a person",
}
TOXIC = {script.DOGS: "A toxic aside is revised"}


def tour(
    store: Store | None = None,
    *,
    scripted: bool = False,
    small: str = endpoint.SMALL,
    large: str = endpoint.LARGE,
) -> Iterator[Stop]:
    """Ask every question in turn, recording into *store*.

    The models are scripted unless an OpenAI-compatible endpoint is configured; *small* and
    *large* then name two of it.
    """
    real = endpoint.configured() and not scripted
    clouds = endpoint.clouds(small, large) if real else cloud.clouds(script.SMALL, script.LARGE)
    installed = available()
    toxic = "toxicity" in installed
    names = [name for name in (*DETECTORS, "toxicity") if name in installed]
    verifier = Verifier([load(name) for name in names], policy=Policy(), store=store)
    guide = guided(*clouds, verifier)
    for question, title in (TITLES | (TOXIC if toxic else {})).items():
        outcome = guide.invoke(question).outcome
        assert outcome is not None
        yield Stop(question if real else title, outcome)


def guided(small: BaseChatModel, large: BaseChatModel, verifier: Verifier) -> Trusted:
    """A guide to the light station, whose answers are examined before they are heard."""
    return trusted(rag(small), verifier, fallbacks=[rag(large)], prices=PRICES, name="guide")


def rag(model: BaseChatModel) -> Runnable[str, str]:
    """Question to answer: passages from the handbook, a prompt, a chat model, a parser."""
    documents = [
        Document(f"{title}. {text}", metadata={"title": title}) for title, text in PASSAGES
    ]
    shelf = Shelf(documents=tuple(documents))
    question: Runnable[str, str] = RunnablePassthrough()
    return {"context": shelf | joined, "question": question} | PROMPT | model | StrOutputParser()


def joined(documents: Sequence[Document]) -> str:
    """The passages as the prompt has them."""
    return "\n\n".join(document.page_content for document in documents)
