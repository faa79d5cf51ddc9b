"""Rates from few labels, alarms, samples: what they promise, in small."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer.alarm import watch
from trustlayer.drawing import FLOOR, Design, draw, propensities, weights
from trustlayer.powered import (
    Audited,
    Method,
    Population,
    exact_interval,
    rate,
    t_quantile,
)

SIZE = 4000


def _once(seed: int, labels: int, design: Design, high: float = 1.0) -> tuple[float, float, float]:
    # The interval of one sample of a world whose risks are right, and its true rate.
    source = np.random.default_rng(seed)
    risks = source.beta(0.5, 2.0, SIZE) * high
    bad = source.random(SIZE) < risks
    chances = propensities(weights(risks, design), labels)
    audited = [
        Audited(float(risks[i]), bool(bad[i]), float(chances[i])) for i in draw(chances, seed)
    ]
    found = rate(audited, Population.of(risks))
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high, 0.2 * high


@pytest.mark.parametrize("design", list(Design))
def test_intervals_cover_the_truth_as_often_as_they_say(design: Design) -> None:
    found = [_once(seed, 120, design) for seed in range(400)]
    covered = sum(low <= truth <= high for low, high, truth in found) / len(found)
    assert 0.91 <= covered <= 0.985  # 0.95, give or take three standard errors and a little


def test_good_risks_are_worth_labels_and_worthless_ones_cost_none() -> None:
    source = np.random.default_rng(0)
    risks = source.beta(0.4, 1.6, SIZE)
    bad = source.random(SIZE) < risks
    chances = propensities(weights(risks, Design.UNIFORM), 300)
    drawn = draw(chances, 1)
    audited = [Audited(float(risks[i]), bool(bad[i]), float(chances[i])) for i in drawn]
    good = rate(audited, Population.of(risks))
    assert good.method is Method.POWERED
    assert (good.worth or 0) > 1.2
    other = source.permutation(risks)
    audited = [Audited(float(other[i]), bool(bad[i]), float(chances[i])) for i in drawn]
    worthless = rate(audited, Population.of(other))
    assert (worthless.power or 0) < 0.3
    assert (worthless.worth or 0) == pytest.approx(1.0, abs=0.05)
    assert worthless.value == pytest.approx(float(np.mean(bad[drawn])), abs=0.02)


def test_where_all_are_labelled_the_rate_is_their_share() -> None:
    audited = [Audited(n / 100, n % 4 == 0) for n in range(100)]
    found = rate(audited, Population.of([one.risk for one in audited]))
    assert found.value == pytest.approx(0.25)


def test_few_labels_give_no_interval_and_say_what_it_takes() -> None:
    few = rate([Audited(0.2, n < 9) for n in range(29)], Population.of([0.2] * 500))
    assert (few.value, few.low, few.high, few.method) == (None, None, None, Method.NONE)
    assert few.lacking == (
        "too few labels: 29, of which 9 bad; an interval takes 30 or more, 5 of them bad and 5 good"
    )
    unlike = [Audited(0.2, n < 3, 0.1 if n % 2 else 0.2) for n in range(60)]
    assert rate(unlike, Population.of([0.2] * 500)).method is Method.NONE
    alike = rate([Audited(0.2, n < 3, 0.1) for n in range(60)], Population.of([0.2] * 500))
    assert (alike.method, alike.value) == (Method.EXACT, 0.05)
    none = rate([], Population(0, 0.0, 0.0))
    assert (none.mean_risk, none.labels) == (None, 0)


def test_exact_intervals_are_those_of_the_books() -> None:
    assert exact_interval(0, 50) == pytest.approx((0.0, 0.07112), abs=1e-4)
    assert exact_interval(3, 60) == pytest.approx((0.010427, 0.139248), abs=1e-4)
    assert exact_interval(57, 60) == pytest.approx((1 - 0.139248, 1 - 0.010427), abs=1e-4)
    with pytest.raises(ValueError, match="3 of 2 is no share"):
        exact_interval(3, 2)


def test_quantiles_of_student() -> None:
    assert t_quantile(0.975, 28) == pytest.approx(2.04841, abs=2e-4)
    assert t_quantile(0.975, 1e9) == pytest.approx(1.95996, abs=1e-4)


def test_what_makes_no_sense_is_refused() -> None:
    for risk, propensity in ((1.1, 0.5), (float("nan"), 0.5), (0.5, 0.0), (0.5, 1.1)):
        with pytest.raises(ValueError, match="must lie in"):
            Audited(risk, True, propensity)
    with pytest.raises(ValueError, match="confidence"):
        rate([], Population(0, 0.0, 0.0), confidence=1.0)
    with pytest.raises(ValueError, match="tolerated"):
        list(watch([0.0], 0.0, 100.0))
    with pytest.raises(ValueError, match="an error is 0 or more"):
        list(watch([float("nan")], 0.1, 100.0))
    with pytest.raises(ValueError, match="1 answer or more"):
        propensities(np.ones(3), 0)


def test_false_alarms_are_as_rare_as_promised() -> None:
    source = np.random.default_rng(5)
    lengths = []
    for _ in range(60):
        errors = (source.random(1000) < 0.1).astype(float)
        steps = watch(errors.tolist(), 0.1, 200.0)
        lengths.append(next((n for n, step in enumerate(steps, 1) if step.alarm), 1000))
    assert float(np.mean(lengths)) >= 200.0


def test_an_alarm_comes_soon_also_after_a_long_good_time() -> None:
    errors = [0.0] * 2000 + [1.0, 0.0, 0.0] * 100
    steps = list(watch(errors, 0.05, 10_000.0))
    first = next(n for n, step in enumerate(steps) if step.alarm)
    assert 2000 < first < 2000 + 60
    assert steps[first].level == 1.0
    assert steps[first + 1].level < 0.01  # the watch begins anew


@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=60),
    st.integers(1, 70),
    st.sampled_from(list(Design)),
    st.integers(0, 2**32 - 1),
)
def test_a_sample_has_its_size_and_its_chances(
    risks: list[float], count: int, design: Design, seed: int
) -> None:
    worth = weights(np.array(risks), design)
    assert np.all((worth >= FLOOR - 1e-9) & (worth <= 1.0 + 1e-9))
    chances = propensities(worth, count)
    size = min(count, len(risks))
    assert np.all((chances > 0.0) & (chances <= 1.0))
    assert float(chances.sum()) == pytest.approx(size)
    drawn = draw(chances, seed)
    assert len(drawn) == len(set(drawn.tolist())) == size
    assert set(np.flatnonzero(chances >= 1.0)) <= set(drawn.tolist())


def test_answers_are_drawn_as_often_as_their_chances_say() -> None:
    chances = propensities(np.array([0.2, 0.4, 0.6, 0.8, 1.0]), 2)
    counts = np.zeros(5)
    for seed in range(4000):
        counts[draw(chances, seed)] += 1
    assert counts / 4000 == pytest.approx(chances, abs=0.03)
