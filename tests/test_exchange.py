from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer import Exchange, Span


@given(st.text(), st.integers(0, 50), st.integers(0, 50))
def test_a_span_cuts_what_a_slice_cuts(text: str, one: int, other: int) -> None:
    start, end = sorted((one, other))
    assert Span(start, end).of(text) == text[start:end]


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (4, 3)])
def test_a_span_refuses_nonsense(start: int, end: int) -> None:
    with pytest.raises(ValueError, match=f"start={start}, end={end}"):
        Span(start, end)


@pytest.mark.parametrize(
    ("given_", "complaint"),
    [
        ({"answer": None}, "answer must be a str, got NoneType"),
        ({"prompt": b"x"}, "prompt must be a str, got bytes"),
        ({"context": "one passage"}, "context must be a tuple of str, got str"),
        ({"context": ("a", 3)}, r"context\[1\] must be a str, got int"),
        ({"samples": ["a"]}, "samples must be a tuple of str, got list"),
    ],
)
def test_an_exchange_says_what_is_wrong(given_: dict[str, Any], complaint: str) -> None:
    fields: dict[str, Any] = {"prompt": "p", "answer": "a"}
    with pytest.raises(TypeError, match=complaint):
        Exchange(**(fields | given_))


def test_a_bare_context_is_answered_with_the_line_that_mends_it() -> None:
    with pytest.raises(TypeError) as caught:
        Exchange("p", "a", "passage")  # type: ignore[arg-type]
    assert "context=(text,)" in caught.value.__notes__[0]


@pytest.mark.parametrize("value", [0.1, float("nan")])
def test_log_probabilities_are_not_positive(value: float) -> None:
    with pytest.raises(ValueError, match=r"logprobs\[1\]"):
        Exchange("p", "a", logprobs=(-0.5, value))
