"""Short answers that differ only in wording are one; those that differ in substance are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer_detectors.uncertainty.answers import read, short
from trustlayer_detectors.uncertainty.latex import plain

SAME = [
    ("3/4", r"\boxed{\frac{3}{4}}"),
    ("0.75", r"$\dfrac{3}{4}$"),
    ("3/4", r"\frac34"),
    ("1 1/2", "1.5"),
    ("1,200", "1200.0"),
    ("1{,}200", r"1\,200"),
    ("1200", r"$1.2 \times 10^{3}$"),
    ("$22.50", "22.5 dollars"),
    (r"\$5", "5"),
    ("3 hours", "180 minutes"),
    ("40", "40 minutes"),
    ("2 km", "2000 metres"),
    ("The answer is 42.", "42"),
    ("#### 42", "42"),
    ("6 * 7 = 42", "42"),
    ("**42**", "42 apples"),
    ("five", "5"),
    ("50 cents", "$0.50"),
    (r"90^\circ", "90 degrees"),
    (r"\boxed{x = 5}", "5"),
    ("\u22125", "-5"),
    (r"\text{Paris}", "Paris"),
    ("In Nepal.", "nepal"),
    ("The Tower of London", "Tower of London"),
    ("Tin (great for sandwiches)", "Tin"),
    ("Neil Armstrong, 1969", "Neil Armstrong"),
    ("München", "MÜNCHEN"),
    ("東京", "東京"),
]
DIFFERENT = [
    ("42", "43"),
    ("5", "-5"),
    ("1/2", "1/3"),
    ("40 minutes", "40 hours"),
    ("(3, 4)", "(4, 3)"),
    ("Paris", "Lyon"),
    ("yes", "no"),
    ("safe", "not safe"),
    ("Apollo 11", "Apollo 13"),
    ("13 oranges 20 apples", "20"),
    ("50%", "50 minutes"),
    ("", "Paris"),
    ("東京", "大阪"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_wording_makes_no_difference(one: str, other: str) -> None:
    assert read(one).same(read(other))
    assert read(other).same(read(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_substance_does(one: str, other: str) -> None:
    assert not read(one).same(read(other))
    assert not read(other).same(read(one))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"So \boxed{\text{no } x^{2}} holds, \boxed{7}.", "7"),
        (r"\boxed{\frac{\frac{1}{2}}{3}}", "1/2/3"),
        (r"\boxed{unclosed", "unclosed"),
        ("costs $5 and $6", "costs $5 and $6"),
        (r"\(x\)", "x"),
        (r"30\%", "30%"),
    ],
)
def test_latex_in_plain_text(text: str, expected: str) -> None:
    assert plain(text) == expected


@given(st.text(max_size=200))
def test_any_text_can_be_read_and_equals_itself(text: str) -> None:
    assert read(text).same(read(text))
    assert isinstance(short(text), bool)


@given(st.text(max_size=60), st.text(max_size=60))
def test_sameness_goes_both_ways(one: str, other: str) -> None:
    assert read(one).same(read(other)) == read(other).same(read(one))


@given(
    st.decimals(min_value=-(10**9), max_value=10**9, places=3, allow_nan=False),
    st.sampled_from(["{}", "{} dollars", r"\boxed{{{}}}", "The answer is {}.", "**{}**"]),
)
def test_a_number_is_itself_in_every_dress(number: object, dress: str) -> None:
    assert read(dress.format(number)).same(read(str(number)))


@given(st.integers(-10_000, 10_000), st.integers(-10_000, 10_000))
def test_two_numbers_are_one_only_if_equal(one: int, other: int) -> None:
    assert read(str(one)).same(read(f"{other}.0")) is (one == other)


def test_a_megabyte_is_read_in_linear_time() -> None:
    for piece in ("(", "$", "\\frac{", "1/", "{", "\\boxed{", "a = "):
        read(piece * 20_000)
