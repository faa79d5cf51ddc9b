"""What the detector `figures` reads, forgives and doubts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer import Exchange, Finding, Unexamined
from trustlayer_detectors._amounts import Reading
from trustlayer_detectors._amounts import figures as read
from trustlayer_detectors._numerals import numerals
from trustlayer_detectors.figures import Figures

SHOP = (
    "The shop in Lund opened on 3 May 1994 and employs 3.96 million people, 45 % of them women. "
    "A ticket costs $12.50, children under 6 years pay $5. The road to Malmö is 18 km long, "
    "the train takes 90 minutes. It was the third shop of its kind; in 2010 it moved to Paris."
)


def examine(answer: str, context: str = SHOP, prompt: str = "Tell me.") -> Finding:
    [found] = Figures().examine([Exchange(prompt, answer, (context,))])
    assert isinstance(found, Finding)
    return found


def readings(text: str) -> list[Reading]:
    return [figure.readings[0] for figure in read(text)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("twenty-one", 21),
        ("twenty five", 25),
        ("three hundred thousand", 300_000),
        ("two hundred and fifty thousand", 250_000),
        ("one million two hundred thousand", 1_200_000),
        ("five thousand two hundred and three", 5_203),
        ("nineteen eighty four", 1984),
        ("half a million", 500_000),
        ("two and a half million", 2_500_000),
        ("a dozen", 12),
        ("2 dozen", 24),
        ("1,234", 1234),
        ("1 234", 1234),
        ("1\u00a0234\u00a0567", 1_234_567),
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("1.234.567", 1_234_567),
        ("12,34,567", 1_234_567),
        ("3,5", 3.5),
        (".5", 0.5),
        ("3.96 million", 3_960_000),
        ("4k", 4_000),
        ("3bn", 3e9),
        ("6million", 6e6),
        ("2 crore", 2e7),
        ("3rd", 3),
        ("twenty-first", 21),
        ("2½", 2.5),
        ("2 1/2", 2.5),
        ("three quarters", 0.75),
        ("a third of", 1 / 3),
        ("two-thirds", 2 / 3),
        ("twelve point five", 12.5),
        ("three point two million", 3.2e6),
        ("٤٥", 45),
    ],
)
def test_numbers_are_read(text: str, value: float) -> None:
    [number] = numerals(text)
    assert number.values[0] == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "base", "value"),
    [
        ("70ft", "m", 21.336),
        ("2,000 km", "m", 2_000_000),
        ("40 %", "%", 40),
        ("40 per cent", "%", 40),
        ("40 percent", "%", 40),
        ("$3.5 million", "USD", 3.5e6),
        ("3.5 million US dollars", "USD", 3.5e6),
        ("€3m", "EUR", 3e6),
        ("90 minutes", "s", 5400),
        ("1.5 hours", "s", 5400),
        ("a 32-year-old", "s", 32 * 31557600.0),
        ("12 square miles", "m²", 12 * 2.58999e6),
        ("1994", "year", 1994),
        ("the 1990s", "decade", 1990),
        ("the nineties", "decade", 1990),
        ("mid-1990s", "decade", 1990),
        ("3 May 2021", "date", 20210503),
        ("May 3rd, 2021", "date", 20210503),
        ("2021-05-03", "date", 20210503),
        ("13/05/2021", "date", 20210513),
        ("May 2021", "date", 20210500),
        ("3:30 pm", "clock", 930),
        ("15:30", "clock", 930),
        ("noon", "clock", 720),
        ("Tuesday", "weekday", 2),
    ],
)
def test_units_and_dates_are_read(text: str, base: str, value: float) -> None:
    [reading] = readings(text)
    assert reading.base == base
    assert reading.value == pytest.approx(value)


def test_an_ambiguous_date_has_both_readings() -> None:
    [figure] = read("03/05/2021")
    assert {reading.value for reading in figure.readings} == {20210503, 20210305}


def test_a_range_shares_its_unit_its_currency_and_its_century() -> None:
    assert [reading.value for reading in readings("10 to 15 km")] == [10_000, 15_000]
    assert [reading.value for reading in readings("$6-7 billion")] == [6e9, 7e9]
    assert [reading.value for reading in readings("1990-95")] == [1990, 1995]


@pytest.mark.parametrize(
    "answer",
    [
        "It opened on May 3rd, 1994.",
        "It opened in May 1994.",
        "It opened on 1994-05-03.",
        "About 4 million people work there.",
        "It employs 3,960,000 people.",
        "45 percent of the people are women.",
        "45 per cent of them are women.",
        "A ticket costs 12.50 dollars.",
        "A ticket costs USD 12.50.",
        "The road to Malmö is 18 kilometres long.",
        "The road to Malmö is 18,000 m long.",
        "The train takes one and a half hours.",
        "The train takes 1.5 hours.",
        "It was the 3rd shop of its kind.",
        "Nothing is known.",
        "1. It opened early.\n2) It moved.\n\nStep 7: go there [3], as passage 4 says.",
        "First, one of them moved.",
        "Lund is older than Paris, which is the second.",
        "See https://example.com/2077/item9 and the A4 form.",
    ],
)
def test_what_the_context_carries_is_accepted(answer: str) -> None:
    found = examine(answer)
    assert found.risk <= Figures().limit
    assert found.risk < 0.3


@pytest.mark.parametrize(
    ("answer", "figure"),
    [
        ("40 % of the people are women.", "40 %"),
        ("It opened on 4 May 1994.", "4 May 1994"),
        ("It opened in 1987.", "1987"),
        ("A ticket costs $13.50.", "$13.50"),
        ("The road to Malmö is 28 km long.", "28 km"),
        ("The train takes 45 minutes.", "45 minutes"),
        ("It was the ninth shop.", "ninth"),
        ("Seventeen shops closed.", "Seventeen"),
        ("It was big in the 1970s.", "1970s"),
    ],
)
def test_what_it_does_not_carry_is_doubted_where_it_stands(answer: str, figure: str) -> None:
    found = examine(answer)
    assert found.risk > Figures().limit
    [evidence] = found.evidence
    assert evidence.span is not None
    assert evidence.span.of(answer) == figure


def test_the_reason_tells_a_contradiction_from_an_absence() -> None:
    [contradicted] = examine("Of the people it employs, 40 % are women.").evidence
    assert contradicted.reason.startswith("40 % is not in the context, which says 45 %")
    [absent] = examine("Nobody bought 77 umbrellas.").evidence
    assert absent.reason == "77 is not in the context"


def test_one_value_in_another_unit_is_not_the_same_figure() -> None:
    assert examine("A ticket costs 45 dollars.").risk > Figures().limit


def test_a_derived_figure_is_doubted_less_than_an_invented_one() -> None:
    context = "The north has 120 farms, the south 80 farms."
    derived = examine("Together there are 200 farms.", context)
    assert 0 < derived.risk < examine("Together there are 310 farms.", context).risk


def test_the_question_may_carry_a_figure() -> None:
    asked = examine("In 2031 it will open.", prompt="What happens in 2031?")
    assert asked.risk < examine("In 2031 it will open.").risk


def test_celsius_and_fahrenheit_are_one_temperature() -> None:
    assert examine("Bake at 175 °C.", "Bake the bread at 347 °F.").risk < 0.4


def test_without_context_or_answer_nothing_is_examined() -> None:
    figures = Figures()
    assert figures.examine([Exchange("q", "In 1999.")]) == [
        Unexamined("figures", "no context to compare the figures with")
    ]
    assert figures.examine([Exchange("q", " \n", (SHOP,))]) == [
        Unexamined("figures", "empty answer")
    ]
    assert figures.examine([Exchange("q", "Nothing.")]) == [Finding(0.0)]


def test_several_texts_are_one_context() -> None:
    [found] = Figures().examine([Exchange("q", "It has 7 doors.", ("No.", "It has 7 doors."))])
    assert isinstance(found, Finding)
    assert found.risk < 0.1


@pytest.mark.parametrize(
    "text",
    ["1" * 50_000, "1," * 20_000, "1 234" * 9_000, "[" * 20_000 + "1", "(" * 20_000, "." * 20_000,
     "\ud800 12 \udfff", "\x00 7\x1b[31m 8", "\u202e٣ km\u200f", "one hundred " * 4_000,
     "1/" * 20_000, " " * 50_000 + "1", "passage 1" + " " * 20_000, "x" * 50_000],
)  # fmt: skip
def test_hostile_text_is_read_to_its_end(text: str) -> None:
    found = examine(text + " 4711 ", context=text)
    assert 0 < found.risk <= 1
    assert len(found.evidence) <= 101


@given(st.integers(0, 10**9))
def test_grouped_digits_are_the_number(number: int) -> None:
    [plain], [grouped] = numerals(str(number)), numerals(f"{number:,}")
    assert plain.values[0] == grouped.values[0] == number


@given(st.text(alphabet=st.characters(), max_size=200))
def test_figures_lie_in_order_within_the_text(text: str) -> None:
    end = 0
    for figure in read(text):
        assert end <= figure.start < figure.end <= len(text)
        end = figure.end


PIECES = ["12", "1,5", "km", "%", "$", "May", "3", "2021", "half", "a", "million", "two", "-", "of"]


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from([" ", "", "-"]))
def test_a_text_supports_its_own_figures(words: list[str], joint: str) -> None:
    text = "It says " + joint.join(words) + " here."
    assert examine(text, context=text).risk < 0.1
