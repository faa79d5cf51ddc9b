"""A light station in LangChain's parts: a retriever, a prompt, models that err on request."""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from pydantic import Field

from trustlayer import Evidence, Exchange, Finding, Outcome, Span
from trustlayer.finding import FunctionDetector

Speak = Callable[[Sequence[BaseMessage]], "str | AIMessage"]


class Speaker(BaseChatModel):
    """Says what *speak* says to the messages, in one piece or token by token."""

    speak: Speak
    name: str = "speaker"
    heard: list[list[BaseMessage]] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "speaker"

    def _said(self, messages: list[BaseMessage]) -> AIMessage:
        self.heard.append(messages)
        said = self.speak(messages)
        return AIMessage(said) if isinstance(said, str) else said

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._said(messages))])

    def _stream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for token in re.findall(r"\S+\s*", str(self._said(messages).text)):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=token))
            if run_manager:
                run_manager.on_llm_new_token(token, chunk=chunk)
            yield chunk

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        for token in re.findall(r"\S+\s*", str(self._said(messages).text)):
            chunk = ChatGenerationChunk(message=AIMessageChunk(content=token))
            if run_manager:
                await run_manager.on_llm_new_token(token, chunk=chunk)
            yield chunk


class Shelf(BaseRetriever):
    """Has one passage for every question, which names it."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        number = re.search(r"\d+", query)
        height = number[0] if number else "43"
        return [Document(f"The tower is {height} metres tall. Asked: {query}")]


class Memory:
    """A store that remembers outcomes."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self._lock = threading.Lock()

    def record(self, *outcomes: Outcome) -> None:
        with self._lock:
            self.outcomes += outcomes


class Counting:
    """The numbers in an answer must stand in its context; counts how often it is called."""

    name = "numbers"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding]:
        self.batches.append(len(exchanges))
        return [_numbers(exchange) for exchange in exchanges]


def _numbers(exchange: Exchange) -> Finding:
    known = set(re.findall(r"\d+", " ".join(exchange.context)))
    found = [m for m in re.finditer(r"\d+", exchange.answer) if m.group() not in known]
    doubts = tuple(Evidence(f"{m.group()} is nowhere", Span(*m.span())) for m in found)
    return Finding(1.0 if doubts else 0.0, doubts)


WRONG = 987654321  # no id and no time holds this by chance
PROMPT = ChatPromptTemplate.from_template("Passages: {context}\n\nQuestion: {question}")


def rag(model: Runnable[Any, Any]) -> Runnable[str, str]:
    question: Runnable[str, str] = RunnablePassthrough()
    return {"context": Shelf(), "question": question} | PROMPT | model | StrOutputParser()


def giving(output: object) -> Runnable[Any, Any]:
    """A chain that gives *output*, whatever it is asked."""

    def give(given: Any) -> Any:
        return output

    return RunnableLambda(give)


def mending(messages: Sequence[BaseMessage]) -> str:
    """Wrong at first, right once told so."""
    advised = "Doubtful in it" in str(messages[-1].text)
    height = re.search(r"tower is (\d+)", str(messages[0].text))
    return f"It is {height[1] if advised and height else WRONG} metres tall."


def erring(messages: Sequence[BaseMessage]) -> str:
    """Wrong every time, and never twice the same."""
    return f"It is {9000 + len(str(messages))} metres tall."


def knowing(messages: Sequence[BaseMessage]) -> str:
    """Right at once."""
    height = re.search(r"tower is (\d+)", str(messages[0].text))
    return f"It is {height[1] if height else 43} metres tall."


@pytest.fixture
def numbers() -> FunctionDetector:
    return FunctionDetector(_numbers, "numbers")


@pytest.fixture
def memory() -> Memory:
    return Memory()
