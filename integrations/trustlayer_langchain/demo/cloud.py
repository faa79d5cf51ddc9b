"""A scripted chat model in the place of a cloud: it errs in ways that real ones err.

What it answers depends on what it is asked, and on nothing else: on the question, and on the
doubts that the advice of a revision spells out. Whether there are any is up to the detectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

DOUBTS = "Doubtful in it:"  # stands in the advice of a revision, and nowhere else
AT_A_LOSS = "The handbook does not say."


@dataclass(frozen=True, slots=True)
class Lines:
    """What a model says to a *question*, and what once a doubt mentions one of the *corrected*."""

    question: str
    answer: str
    corrected: tuple[tuple[str, str], ...] = ()

    def said_to(self, doubts: str) -> str:
        """The answer, in view of the *doubts*, which are empty at first."""
        right = [text for mentioned, text in self.corrected if mentioned in doubts]
        return right[0] if right else self.answer


class ScriptedCloud(BaseChatModel):
    """Answers by a script; asked anything else, it says that it does not know."""

    model_name: str
    script: tuple[Lines, ...]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        asked = "\n\n".join(str(message.text) for message in messages)
        answer = self._answer(asked)
        read, written = len(asked.split()), len(answer.split())
        message = AIMessage(
            answer,
            usage_metadata={
                "input_tokens": read,
                "output_tokens": written,
                "total_tokens": read + written,
            },
            response_metadata={"model_name": self.model_name},
        )
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _answer(self, asked: str) -> str:
        doubts = asked.partition(DOUBTS)[2]
        known = [lines for lines in self.script if lines.question in asked]
        return known[-1].said_to(doubts) if known else AT_A_LOSS


def clouds(small: Sequence[Lines], large: Sequence[Lines]) -> tuple[ScriptedCloud, ScriptedCloud]:
    """A small and cheap model, and a large and dear one."""
    return (
        ScriptedCloud(model_name="skerry-mini", script=tuple(small)),
        ScriptedCloud(model_name="skerry-grand", script=tuple(large)),
    )
