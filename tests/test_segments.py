from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer.segments import Continuation, Segments

TEXTS = st.lists(
    st.sampled_from(
        [
            "Dr. Smith",
            " ",
            "3.14",
            "e.g.",
            "It is so.",
            " Yes!",
            "\n",
            "- item",
            "```\na. B\n```",
            "塔很高。",
            "是吗？",  # noqa: RUF001  # full-width is meant
            "[1]",
            "The end",
            "...",
            " and so on",
            "U.S.",
            "(see p. 4)",
            "a.b",
        ]
    ),
    max_size=25,
).map("".join)


def chunked(text: str, cuts: list[int]) -> list[str]:
    at = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[a:b] for a, b in pairwise(at)]


def segmented(chunks: list[str]) -> list[str]:
    segments = Segments()
    return [*(s for chunk in chunks for s in segments.feed(chunk)), *segments.flush()]


@given(TEXTS, st.lists(st.integers(0, 300)))
def test_sentences_are_the_text_whatever_the_chunks(text: str, cuts: list[int]) -> None:
    found = segmented(chunked(text, cuts))
    assert "".join(found).rstrip() == text.rstrip()
    assert found == segmented([text])
    assert all(sentence.strip() for sentence in found)


def test_a_sentence_is_given_away_when_the_next_word_has_come() -> None:
    segments = Segments()
    assert segments.feed("It is 324.5 m tall, says Dr. Wu.") == []
    assert segments.feed(" It") == []
    assert segments.feed(" was") == ["It is 324.5 m tall, says Dr. Wu."]
    assert segments.flush() == [" It was"]


def test_a_code_fence_is_one_piece() -> None:
    text = "See here:\n```\nx = 1. \ny = 2. \n```\nDone. Really."
    assert "\n```\nx = 1. \ny = 2. \n```" in segmented([text])


def test_full_width_stops_need_no_blank() -> None:
    assert Segments().feed("塔高三百米。它很旧。对") == ["塔高三百米。", "它很旧。"]


PREFIX = "The tower is 324 m tall. It stands in Paris."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It was built in 1889.", " It was built in 1889."),
        (" It was built in 1889.", " It was built in 1889."),
        (f"{PREFIX} It was built in 1889.", " It was built in 1889."),
        (f"\n{PREFIX} It was built.", " It was built."),
        ("It stands in Paris. It was built.", " It was built."),
        (PREFIX, ""),
        ("", ""),
    ],
)
def test_what_a_continuation_repeats_is_dropped(text: str, expected: str) -> None:
    for size in (1, 3, 1_000):
        continuation = Continuation(PREFIX)
        chunks = [text[i : i + size] for i in range(0, len(text), size)]
        found = "".join([*map(continuation.feed, chunks), continuation.flush()])
        assert found == expected


@given(st.text(max_size=60), st.lists(st.integers(0, 60)))
def test_without_a_prefix_nothing_changes(text: str, cuts: list[int]) -> None:
    continuation = Continuation("")
    found = [*map(continuation.feed, chunked(text, cuts)), continuation.flush()]
    assert "".join(found) == text
