"""What the detector `quotations` finds verbatim, and what it doubts."""

# ruff: noqa: RUF001  # the typographic marks are meant
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer import Exchange, Finding, Unexamined
from trustlayer_detectors._citations import citations, labels
from trustlayer_detectors._quotes import quotes
from trustlayer_detectors.quotations import Quotations

LAMP = (
    "The keeper said: “Whoever lights the lamp must also carry the oil,  every night of the year.” "
    "The harbour master, Olsen, doesn't agree."
)


def examine(answer: str, *context: str, prompt: str = "Who carries the oil?") -> Finding:
    [found] = Quotations().examine([Exchange(prompt, answer, context or (LAMP,))])
    assert isinstance(found, Finding)
    return found


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('He said "hello there" to us.', ["hello there"]),
        ("He said “hello there” to us.", ["hello there"]),
        ("Il dit « bonjour » hier.", [" bonjour "]),
        ("Sie sagte „Guten Tag“ heute.", ["Guten Tag"]),
        ("彼は「こんにちは」と言った", ["こんにちは"]),
        ("the ‘best’ of it’s kind", ["best"]),
        ("they call it 'a slow burn' here", ["a slow burn"]),
        ("‘don’t stop’", ["don’t stop"]),
        ("“outer ‘inner’ more”", ["outer ‘inner’ more"]),
        ("She said:\n\n> one line\n> and more\n\nThen.", ["one line\nand more"]),
        ('a pipe of 6" and one of 5\'10" length', []),
        ("the dogs' and the boys' rooms in the '90s, rock 'n' roll, it's", []),
        ("It 's her friends ' car", []),
        ('nothing "closes\n\nthis" one', []),
        ('the code `print("x")` and\n```\ns = "y z"\n```', []),
        ('""', []),
    ],
)
def test_quotations_are_told_from_other_marks(text: str, quoted: list[str]) -> None:
    assert [quote.text for quote in quotes(text)] == quoted


@pytest.mark.parametrize(
    "answer",
    [
        'He said "Whoever lights the lamp must also carry the oil".',
        "He said 'whoever lights\n the lamp' and left.",
        'He said "whoever lights the lamp must … every night."',
        'He said "[w]hoever lights [it or] the lamp".',
        'He said "Whoever lights the lamp [...] carry the oil, every night of the year."',
        "He said «must also carry the oil,»",
        'Olsen "doesn’t agree"',
        "> Whoever lights the lamp must also carry the oil, every night of the year.",
        'To "Who carries the oil?" there is an answer.',
        'The answer to the question "Who has to bring the lamp its oil?" is: the keeper.',
        "It is the keeper [1].",
        "According to passage 1 it is the keeper.",
        "It is 5'10\" tall.",
        "Nothing is quoted.",
    ],
)
def test_what_the_context_says_verbatim_is_sound(answer: str) -> None:
    assert examine(answer).risk == 0.0
    assert not examine(answer).evidence


@pytest.mark.parametrize(
    ("answer", "quoted"),
    [
        (
            'He said "whoever lights the lamp must never carry the oil".',
            '"whoever lights the lamp must never carry the oil"',
        ),
        ("He said “the oil is heavier than the sea”.", "“the oil is heavier than the sea”"),
        ('He wrote "Songs of Tallow".', '"Songs of Tallow"'),
        ('He said "every night of the year, whoever lights the lamp".', None),
        ('He said "the year … whoever".', None),
    ],
)
def test_what_it_does_not_say_is_doubted_where_it_stands(answer: str, quoted: str | None) -> None:
    found = examine(answer)
    assert found.risk > Quotations().limit
    [evidence] = found.evidence
    assert evidence.span is not None
    assert evidence.span.of(answer) == (quoted or answer[8:-1])


def test_scare_quotes_carry_little_risk() -> None:
    assert 0 < examine('It is a "smart" lamp.').risk <= Quotations().limit


def test_a_quotation_does_not_run_from_one_text_into_the_next() -> None:
    assert examine('It says "the lamp and the oil".', "It is the lamp", "and the oil").risk > 0


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("so [3]", [3]),
        ("so [1, 3] and [2-4]", [1, 3, 2, 3, 4]),
        ("so [^2] and 【5†source】", [2, 5]),
        ("passages 1, 2 and 4", [1, 2, 4]),
        ("passage 1 and passage 3", [1, 3]),
        ("According to passage 2, and (Source 4).", [2, 4]),
        ("`items[3]` and [3](https://example.com)", []),
        ("[1-9999]", [*range(1, 51), 9999]),
    ],
)
def test_citations_are_read(text: str, numbers: list[int]) -> None:
    assert [citation.passage for citation in citations(text)] == numbers


def test_passages_are_counted_by_their_labels_or_by_the_texts() -> None:
    assert labels(("passage 1: a\n\npassage 2: b\n",)) == {1, 2}
    assert labels(("[1] a\n[2] b",)) == {1, 2}
    assert labels(("a", "b", "c")) == {1, 2, 3}
    assert labels(("Document 7\na",)) == {1, 7}


def test_a_citation_of_no_passage_is_doubted() -> None:
    three = ("passage 1: The lamp.\n\npassage 2: The oil.\n\npassage 3: The sea.",)
    assert examine("The sea (passage 3).", *three).risk == 0.0
    found = examine("The lamp [1], the sea [5].", *three)
    assert found.risk > Quotations().limit
    [evidence] = found.evidence
    assert evidence.reason == "there is no passage 5, the context has 3 passages"
    assert evidence.span is not None
    assert (evidence.span.start, evidence.span.end) == (22, 25)


def test_an_author_whom_the_context_does_not_name_is_doubted() -> None:
    assert examine("It is heavy (Olsen, 2020).").risk == 0.0
    assert examine("It is heavy (Nilsen et al., 2020).").risk > Quotations().limit


def test_without_context_or_answer_nothing_is_examined() -> None:
    quotations = Quotations()
    reason = "no context to compare quotations and citations with"
    for answer in ('He said "all of it".', "It is so [1]."):
        assert quotations.examine([Exchange("q", answer)]) == [Unexamined("quotations", reason)]
    assert quotations.examine([Exchange("q", "")]) == [Unexamined("quotations", "empty answer")]
    assert quotations.examine([Exchange("q", "Nothing.")]) == [Finding(0.0)]


@pytest.mark.parametrize(
    "text",
    ['"' * 20_000, '"a" ' * 9_000, "`" * 20_000, "[" * 20_000, "[1" * 9_000, "passage " * 5_000,
     ">" * 20_000 + "\n", "“" * 20_000, "passage 1" + " " * 20_000, '"\ud800 \udc00 b"' * 900,
     '"\u202eabc\x00 d e"', "(" * 20_000, '"' + "a " * 20_000, "\n" * 20_000],
)  # fmt: skip
def test_hostile_text_is_read_to_its_end(text: str) -> None:
    answer = f"{text}\n\nand “a made up quotation of words” too"
    found = examine(answer, f"{text} x")
    assert found.risk > 0
    assert len(found.evidence) <= 101


def test_many_quotations_are_all_compared() -> None:
    context = " ".join(f"word{number} says thing{number}" for number in range(2_000))
    answer = " ".join(f'"word{number} says thing{number}"' for number in range(2_000))
    assert examine(answer, context).risk == 0.0
    assert examine(f'{answer} "thing1 says word1"', context).risk > Quotations().limit


@given(st.text(alphabet=st.sampled_from("ab \"'“”‘’«»`>\n[1]…."), max_size=80))
def test_quotations_lie_within_the_text_and_end_after_they_start(text: str) -> None:
    for quote in quotes(text):
        assert 0 <= quote.span.start < quote.span.end <= len(text)


@given(
    st.lists(st.sampled_from(["lamp", "oil", "sea", "keeper", "the", "a"]), min_size=1, max_size=9)
)
def test_a_stretch_of_the_context_is_verbatim(words: list[str]) -> None:
    said = " ".join(words)
    assert examine(f"He said “{said.capitalize()}!”", f"There: {said}, it went.").risk == 0.0
