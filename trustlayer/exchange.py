"""What was said: the answer to be examined, and what it has to answer for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a text, in characters, end exclusive."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(
                f"a span needs 0 <= start <= end, got start={self.start}, end={self.end}"
            )

    def of(self, text: str) -> str:
        """Cut this span out of *text*."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Token:
    """A token of an answer as its model gave it, with natural logarithms of probabilities.

    *alternatives* are those of the likeliest tokens at its place, itself among them or not.
    """

    text: str
    logprob: float
    alternatives: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        _expect_text("text", self.text)
        _expect_logprobs("logprob", (self.logprob,))
        _expect_logprobs("alternatives", self.alternatives)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer, the prompt that it answers and the passages that it may rest on.

    *samples* are further answers to the same prompt; *logprobs* are the natural
    logarithms of the probabilities of the answer's tokens, as its model gave them.
    *tokens* say more of these, and *sample_logprobs* are those of each sample.
    """

    prompt: str
    answer: str
    context: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    logprobs: tuple[float, ...] | None = None
    tokens: tuple[Token, ...] = ()
    sample_logprobs: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        for name in ("prompt", "answer"):
            _expect_text(name, getattr(self, name))
        for name in ("context", "samples"):
            _expect_texts(name, getattr(self, name))
        if self.logprobs is not None:
            _expect_logprobs("logprobs", self.logprobs)
        if self.sample_logprobs and len(self.sample_logprobs) != len(self.samples):
            raise ValueError(
                f"sample_logprobs must be given for each of the {len(self.samples)} samples, "
                f"got {len(self.sample_logprobs)}"
            )
        for row in self.sample_logprobs:
            _expect_logprobs("sample_logprobs", row)


def _expect_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {type(value).__name__}")


def _expect_texts(name: str, value: object) -> None:
    if not isinstance(value, tuple):
        error = TypeError(f"{name} must be a tuple of str, got {type(value).__name__}")
        error.add_note(f"write {name}=(text,) for one text, {name}=tuple(texts) for several")
        raise error
    for position, text in enumerate(cast("tuple[object, ...]", value)):
        _expect_text(f"{name}[{position}]", text)


def _expect_logprobs(name: str, values: tuple[float, ...]) -> None:
    for position, value in enumerate(values):
        if not value <= 0.0:  # also refuses NaN
            raise ValueError(f"{name}[{position}] must be a number <= 0, got {value}")
