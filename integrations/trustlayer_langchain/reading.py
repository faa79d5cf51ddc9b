"""How the inputs and outputs of a chain are to be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from trustlayer import Price
from trustlayer_langchain.inputs import question_of
from trustlayer_langchain.passages import Context


@dataclass(frozen=True, slots=True)
class Reading:
    """*question* is its key in the input; *answer* the output's part that is to be trusted.

    *context* tells where the passages come from: see `passages.source`; None means what
    retrievers and tools inside of the chain find, and tool results in the input. With *tools*,
    the arguments of tool calls are examined like text. *prices* are by the name of a
    model, as its service gives it or up to a hyphen of that. *given* says that the input holds
    the answer itself, and a question only where it is a dict with one.
    """

    question: str | None = None
    answer: str | Callable[[Any], Any] | None = None
    context: Context | None = None
    tools: bool = False
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    given: bool = False

    def question_in(self, given: Any) -> str:
        """The question in the input *given*; raises NoQuestion when there has to be one."""
        if self.given and not (isinstance(given, Mapping) and self.question in given):
            return ""
        return question_of(given, self.question)

    @property
    def answer_key(self) -> str | None:
        return self.answer if isinstance(self.answer, str) else None

    def part_of(self, output: Any) -> Any:
        """The part of *output* that is examined; raises KeyError when it is not there."""
        if self.answer is None:
            return output
        if not isinstance(self.answer, str):
            return self.answer(output)
        if isinstance(output, Mapping) and self.answer in output:
            return cast("Mapping[str, Any]", output)[self.answer]
        error = KeyError(f"the chain's output has no key {self.answer!r}")
        error.add_note("name the part that is the answer: trusted(chain, verifier, answer=...)")
        raise error
