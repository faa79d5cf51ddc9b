"""Sentences: what is one, and that none of the text is lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer_detectors._sentences import LONGEST, split


def cut(text: str) -> list[str]:
    return [span.of(text) for span in split(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", []),
        ("  \n\t ", []),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith paid $3.50 in Washington, D.C. on Jan. 5. He left.",
         ["Dr. Smith paid $3.50 in Washington, D.C. on Jan. 5.", "He left."]),
        ("J. K. Rowling wrote it. The U.S. Army came.",
         ["J. K. Rowling wrote it.", "The U.S. Army came."]),
        ("He lives in the U.S. He is fine.", ["He lives in the U.S.", "He is fine."]),
        ("It is cheap, e.g. Fig. 2 shows it.", ["It is cheap, e.g. Fig. 2 shows it."]),
        ("No. 5 is alive. No. I will not.", ["No. 5 is alive.", "No.", "I will not."]),
        ("Proven.[3] Also this [1][2]. End", ["Proven.[3]", "Also this [1][2].", "End"]),
        ('"Stop!" he said. "Now."', ['"Stop!" he said.', '"Now."']),
        ("lower case . and more . here", ["lower case .", "and more .", "here"]),
        ("Steps:\n1. Cut it. Fast.\n2. Paste it\n- done",
         ["Steps:", "1. Cut it.", "Fast.", "2. Paste it", "- done"]),
        ("A title\n\nA paragraph.", ["A title", "A paragraph."]),
        ("A line that was wrapped by hand after some sixty characters\nby an editor. End.",
         ["A line that was wrapped by hand after some sixty characters\nby an editor.", "End."]),
        ("a | b\n1 | 2", ["a | b", "1 | 2"]),
        ('{"a": 1,\n "b": 2}', ['{"a": 1,', '"b": 2}']),
        ("See:\n```\nx = 1. Y\n\nz\n```\nDone.", ["See:", "```\nx = 1. Y\n\nz\n```", "Done."]),
        ("他去了北京。她没有去！", ["他去了北京。", "她没有去！"]),  # noqa: RUF001
        ("كيف حالك؟ جيد.", ["كيف حالك؟", "جيد."]),
        ("यह सच है। वह नहीं।", ["यह सच है।", "वह नहीं।"]),
    ],
)  # fmt: skip
def test_cuts_at_the_ends_of_sentences(text: str, sentences: list[str]) -> None:
    assert cut(text) == sentences


@given(st.text(st.sampled_from("aB1 .!?\n\"'()[]-|`。,:\t\ud800"), max_size=300) | st.text())
def test_every_visible_character_is_in_one_sentence(text: str) -> None:
    spans = split(text)
    assert all(span.start < span.end <= len(text) for span in spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))
    assert all(span.of(text).strip() == span.of(text) for span in spans)
    assert "".join("".join(cut(text)).split()) == "".join(text.split())


@given(st.text(), st.integers(2, 5))
def test_is_the_same_every_time(text: str, times: int) -> None:
    assert all(split(text) == split(text) for _ in range(times))


@pytest.mark.parametrize("unit", [".", "x", "a. ", "[1,", "!x", "```\n", "x\n", '"', "1. "])
def test_a_long_run_of_anything_is_cut_into_short_sentences(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    assert max(span.end - span.start for span in split(text)) <= LONGEST
