"""`Audit`: a callback that has answers examined and recorded, and lets everything pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult

from trustlayer import Exchange, Outcome, Verifier
from trustlayer_langchain.inputs import question_of, tool_results
from trustlayer_langchain.witness import logprobs_of


@dataclass(slots=True)
class _Root:
    # One outermost run: what was found in it, and what its models were asked.
    passages: list[str] = field(default_factory=list[str])
    asked: dict[UUID, list[BaseMessage]] = field(default_factory=dict[UUID, list[BaseMessage]])


class Audit(BaseCallbackHandler):
    """Has the *verifier* examine what every chat model answers, and its store record it.

    The passages are those that retrievers found, and tools answered, in the same outermost
    run before. Nothing is held back and nothing is changed: to see what trustlayer would do,
    before it does. *outcomes* are told one by one to the function *told*, if there is one.
    """

    run_inline = True

    def __init__(self, verifier: Verifier, told: Callable[[Outcome], object] | None = None) -> None:
        self.verifier = verifier
        self.told = told
        self._roots: dict[UUID, _Root] = {}
        self._root_of: dict[UUID, UUID] = {}
        self._lock = Lock()

    def on_chain_start(
        self,
        serialized: Any,
        inputs: Any,
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        self._enter(run_id, parent_run_id)

    def on_chain_end(self, outputs: Any, *, run_id: UUID, **kwargs: Any) -> None:
        self._leave(run_id)

    def on_chain_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._leave(run_id)

    def on_retriever_end(
        self,
        documents: Sequence[Document],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        root = self._enter(run_id, parent_run_id)
        root.passages += [document.page_content for document in documents]
        self._leave(run_id)

    def on_chat_model_start(
        self,
        serialized: Any,
        messages: list[list[BaseMessage]],
        *,
        run_id: UUID,
        parent_run_id: UUID | None = None,
        **kwargs: Any,
    ) -> None:
        self._enter(run_id, parent_run_id).asked[run_id] = messages[0] if messages else []

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        self._leave(run_id)

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        root = self._enter(run_id, None)
        asked = root.asked.pop(run_id, [])
        message = _message(response)
        try:
            if message is not None and str(message.text).strip() and asked:
                self._examine(root, asked, message, run_id)
        finally:
            self._leave(run_id)

    def _examine(
        self, root: _Root, asked: list[BaseMessage], message: AIMessage, run_id: UUID
    ) -> None:
        found = dict.fromkeys([*root.passages, *tool_results(asked)])
        exchange = Exchange(
            question_of(asked), str(message.text), tuple(found), logprobs=logprobs_of(message)
        )
        [outcome] = self.verifier.settle_all([exchange], {"run_id": str(run_id)})
        if self.told is not None:
            self.told(outcome)

    def _enter(self, run_id: UUID, parent: UUID | None) -> _Root:
        with self._lock:
            known = self._root_of.get(run_id)
            root = known or (self._root_of.get(parent, run_id) if parent else run_id)
            self._root_of[run_id] = root
            return self._roots.setdefault(root, _Root())

    def _leave(self, run_id: UUID) -> None:
        with self._lock:
            if self._root_of.pop(run_id, None) == run_id:
                self._roots.pop(run_id, None)


def _message(response: LLMResult) -> AIMessage | None:
    first = next((g[0] for g in response.generations if g), None)
    message = first.message if isinstance(first, ChatGeneration) else None
    return message if isinstance(message, AIMessage) else None
