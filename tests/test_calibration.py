from __future__ import annotations

import math
import random
import runpy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer import Action, Exchange, Finding, Policy, Verifier
from trustlayer.calibration import Goal, Labelled, calibrate, conformal, digest
from trustlayer.certificate import Certificate
from trustlayer.errors import BadCertificate, Uncertifiable, VoidCertificate

ONE = {"one": "1.0"}


@dataclass(frozen=True)
class Length:
    """Risk grows with the answer's length: a real detector, if a modest one."""

    name: str = "one"
    version: str = "1.0"

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding]:
        return [Finding(min(1.0, len(e.answer) / 100)) for e in exchanges]


def calibrated(rng: random.Random, count: int, group: str = "") -> list[Labelled]:
    """Answers that are bad with exactly the probability that their risk tells."""
    risks = [rng.betavariate(0.5, 1.5) for _ in range(count)]
    return [Labelled({"one": risk}, rng.random() < risk, group) for risk in risks]


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    return calibrate(calibrated(random.Random(1), 1_500), ONE, Goal(0.1, 0.9))


def test_limits_promise_and_cover(certificate: Certificate) -> None:
    bound = certificate.bound()
    # A risk up to r is r/4 bad on average here: 0.1 is reached at a limit near 0.36.
    assert 0.15 < bound.limits["one"] < 0.45
    assert bound.bad / bound.accepted <= 0.1
    assert bound.tuning + bound.calibration == certificate.labels == 1_500
    assert 0.4 < bound.coverage < 0.8


@pytest.mark.parametrize("risk", [0.05, 0.1, 0.2])
def test_promises_hold_over_many_draws(risk: float) -> None:
    simulation = runpy.run_path(str(Path(__file__).parent / "benchmarks" / "certificates.py"))
    goal = Goal(risk, 0.9, None)
    for draw in (simulation["one_detector"], simulation["two_detectors"]):
        found = simulation["simulate"](draw, goal, splits=40, labels=600)
        assert found.violations <= 0.1 + 2 * found.slack(0.1)
        assert found.issued


def test_too_few_labels_certify_nothing_and_say_how_many_are_needed() -> None:
    with pytest.raises(Uncertifiable, match=r"40 labels are too few: .* 45 .* at least 65 labels"):
        calibrate(calibrated(random.Random(0), 40), ONE, Goal(0.05, 0.9))


def test_no_labels_at_all() -> None:
    with pytest.raises(Uncertifiable, match="0 labels"):
        calibrate([], ONE)


def test_a_blind_detector_certifies_nothing() -> None:
    rng = random.Random(2)
    rows = [Labelled({"one": rng.random()}, rng.random() < 0.5) for _ in range(800)]
    with pytest.raises(Uncertifiable, match="of no share of the answers"):
        calibrate(rows, ONE, Goal(0.05, 0.9))


def test_a_close_miss_says_how_many_labels_it_would_take() -> None:
    rng = random.Random(3)
    rows = [Labelled({"one": 0.1}, rng.random() < 0.035) for _ in range(100)]
    with pytest.raises(Uncertifiable, match=r"it takes about \d+ at the error rates observed"):
        calibrate(rows, ONE, Goal(0.05, 0.9))


def test_what_was_not_examined_counts_as_not_accepted() -> None:
    rows = calibrated(random.Random(1), 1_000)
    rows += [Labelled({}, True) for _ in range(500)]
    bound = calibrate(rows, ONE, Goal(0.1, 0.9)).bound()
    assert bound.coverage < 0.6
    assert bound.limits["one"] < 0.5


def test_two_detectors_share_one_path() -> None:
    rng = random.Random(4)
    rows: list[Labelled] = []
    for _ in range(2_000):
        fault = rng.choice(["one", "other", "", "", "", ""])
        risks = {
            n: rng.betavariate(4, 2) if n == fault else rng.betavariate(2, 5)
            for n in ("one", "other")
        }
        rows.append(Labelled(risks, bool(fault)))
    both = calibrate(rows, {"one": "1", "other": "1"}, Goal(0.1, 0.9)).bound()
    assert all(limit < 0.8 for limit in both.limits.values())
    with pytest.raises(Uncertifiable):
        calibrate([replace(r, risks={"one": r.risks["one"]}) for r in rows], ONE, Goal(0.1, 0.9))


def test_groups_are_certified_apart_and_share_the_doubt() -> None:
    rng = random.Random(5)
    rows = calibrated(rng, 900, "en") + calibrated(rng, 900, "de") + calibrated(rng, 10, "fi")
    certificate = calibrate(rows, ONE, Goal(0.1, 0.9), by_group=True)
    assert set(certificate.bounds) == {"en", "de"}
    assert "10 labels are too few" in certificate.uncertified["fi"]
    assert Policy.certified(certificate, "de").limits == certificate.bound("de").limits
    with pytest.raises(VoidCertificate, match="nothing is certified for 'fi'"):
        Policy.certified(certificate, "fi")
    with pytest.raises(VoidCertificate, match="no group 'sv'"):
        Policy.certified(certificate, "sv")


def test_alarm_limits_spare_clean_answers() -> None:
    rng = random.Random(6)
    goal = Goal(0.2, 0.9, false_alarms=0.05)
    alarms = calibrate(calibrated(rng, 2_000), ONE, goal).bound().alarms
    assert alarms is not None
    clean = [row.risks["one"] for row in calibrated(rng, 20_000) if not row.bad]
    assert sum(risk > alarms["one"] for risk in clean) / len(clean) < 0.08


@given(st.lists(st.floats(0, 1), max_size=60), st.sampled_from([0.05, 0.1, 0.5]))
def test_conformal_level_is_exceeded_as_rarely_as_promised(risks: list[float], rate: float) -> None:
    level = conformal(risks, rate)
    if level is None:
        assert len(risks) < math.ceil(1 / rate) - 1
    else:  # left out one by one, each is exceeded by the level of all at that rate
        assert sum(risk > level for risk in risks) <= rate * (len(risks) + 1)


def test_the_same_labels_give_the_same_certificate(certificate: Certificate) -> None:
    again = calibrate(calibrated(random.Random(1), 1_500), ONE, Goal(0.1, 0.9))
    assert replace(again, created=certificate.created) == certificate
    assert again.data == digest(calibrated(random.Random(1), 1_500))
    assert again.data != digest(calibrated(random.Random(2), 1_500))


def test_there_and_back_as_json(certificate: Certificate) -> None:
    assert Certificate.from_json(certificate.to_json()) == certificate


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "bounds": 3}'])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(BadCertificate, match="this is no certificate"):
        Certificate.from_json(text)


def test_verifier_works_under_a_certificate(certificate: Certificate) -> None:
    verifier = Verifier([Length()], policy=Policy.certified(certificate))
    assert verifier.verify(Exchange("?", "short")).action is Action.ACCEPT
    assert verifier.verify(Exchange("?", "long " * 20)).action is Action.HOLD
    assert certificate.data[:19] in repr(verifier.policy)


@pytest.mark.parametrize(
    "detectors", [[Length(version="1.1")], [Length("other")], [Length(), Length("other")]]
)
def test_other_detectors_void_the_certificate(
    certificate: Certificate, detectors: list[Length]
) -> None:
    verifier = Verifier(detectors, models=[lambda text: "a"], policy=Policy.certified(certificate))
    with pytest.raises(VoidCertificate, match=r"was issued for one 1\.0") as caught:
        verifier.run("?")
    assert "trustlayer calibrate" in caught.value.__notes__[0]
    with pytest.raises(VoidCertificate):
        verifier.verify(Exchange("?", "a"))


def test_streams_need_a_certificate_for_streams(certificate: Certificate) -> None:
    streamed = replace(certificate, streamed=True)
    whole = Verifier([Length()], [lambda text: "a"], Policy.certified(certificate))
    live = Verifier([Length()], [lambda text: "a"], Policy.certified(streamed, alarms=True))
    with pytest.raises(VoidCertificate, match="for whole answers, not for streams"):
        whole.stream("?")
    with pytest.raises(VoidCertificate, match="for streams, not for whole answers"):
        live.run("?")
    with pytest.raises(VoidCertificate, match="for streams"):
        live.verify(Exchange("?", "a"))
    assert "".join(live.stream("?")) == "a"
    assert live.gate("?").flush() == ""
    assert live.policy.limits == streamed.bound().alarms


def test_alarm_limits_that_were_not_certified_cannot_be_used() -> None:
    certificate = calibrate(calibrated(random.Random(1), 900), ONE, Goal(0.1, 0.9, None))
    with pytest.raises(VoidCertificate, match="no alarm limits"):
        Policy.certified(certificate, alarms=True)


def test_a_certified_detector_cannot_be_tolerated(certificate: Certificate) -> None:
    with pytest.raises(ValueError, match="cannot be tolerated"):
        Policy.certified(certificate, tolerated=frozenset({"one"}))


@pytest.mark.parametrize("values", [{"risk": 0.0}, {"confidence": 1.0}, {"false_alarms": -0.1}])
def test_impossible_goals_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        Goal(**values)
