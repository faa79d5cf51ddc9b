from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer.binomial import fewest, tail


def exact(errors: int, trials: int, rate: Fraction) -> Fraction:
    return sum(
        (comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(errors + 1)),
        Fraction(0),
    )


@given(st.integers(1, 200), st.data())
def test_tail_is_the_exact_binomial_sum(trials: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, trials))
    rate = data.draw(st.fractions(Fraction(1, 100), Fraction(99, 100), max_denominator=100))
    assert tail(errors, trials, float(rate)) == pytest.approx(
        float(exact(errors, trials, rate)), rel=1e-9
    )


def test_tail_stands_very_many_trials() -> None:
    assert 0.4 < tail(50_000, 1_000_000, 0.05) < 0.6


@pytest.mark.parametrize(("rate", "doubt", "expected"), [(0.05, 0.1, 45), (0.01, 0.1, 230)])
def test_fewest_trials_without_error(rate: float, doubt: float, expected: int) -> None:
    assert fewest(rate, doubt) == expected


@given(st.sampled_from([0.01, 0.05, 0.2]), st.sampled_from([0.01, 0.1]), st.integers(0, 5))
def test_fewest_is_the_smallest_that_suffices(rate: float, doubt: float, errors: int) -> None:
    found = fewest(rate, doubt, errors)
    assert tail(errors, found, rate) <= doubt < tail(errors, found - 1, rate)
