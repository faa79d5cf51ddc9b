from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustlayer import Action, Finding, Policy, Unexamined

risks = st.floats(0, 1)
names = st.sampled_from(["figures", "grounding", "toxicity"])
findings = st.dictionaries(names, risks.map(Finding), min_size=1)
limits = st.dictionaries(names, risks)
policies = st.builds(
    Policy,
    limit=st.none() | risks,
    limits=limits,
    revisions=st.integers(0, 3),
    tolerated=st.frozensets(names),
    otherwise=st.sampled_from([Action.HOLD, Action.REFUSE]),
)
unexamined = st.lists(st.builds(Unexamined, names, st.just("broke")), max_size=2)


@given(policies, findings, unexamined, st.integers(0, 4), st.booleans())
def test_nothing_above_its_limit_or_unexamined_is_accepted(
    policy: Policy,
    found: dict[str, Finding],
    failed: list[Unexamined],
    attempt: int,
    last: bool,
) -> None:
    action = policy.decide(found, failed, attempt=attempt, last=last)
    sound = all(f.risk <= policy.limit_of(name) for name, f in found.items())
    examined = all(u.detector in policy.tolerated for u in failed)
    assert (action is Action.ACCEPT) == (sound and examined)


@given(policies, findings, st.integers(0, 4))
def test_the_ladder_ends(policy: Policy, found: dict[str, Finding], attempt: int) -> None:
    action = policy.decide(found, attempt=policy.revisions + attempt, last=True)
    assert action in (Action.ACCEPT, policy.otherwise)
    assert action.final


@given(policies, findings, findings)
def test_the_accepted_always_lies_below_the_rejected(
    policy: Policy, one: dict[str, Finding], other: dict[str, Finding]
) -> None:
    if not policy.exceeded(one) and policy.exceeded(other):
        assert policy.risk(one) <= 0.5 <= policy.risk(other)


def test_limits_are_looked_up_from_the_particular_to_the_general() -> None:
    own = {"figures": 0.3, "grounding": 0.2}
    assert Policy().with_defaults(own).limit_of("figures") == 0.3
    assert Policy().with_defaults(own).limit_of("toxicity") == 0.5
    assert Policy(limit=0.7).with_defaults(own).limit_of("figures") == 0.7
    assert Policy(limits={"figures": 0.9}).with_defaults(own).limit_of("figures") == 0.9
    assert Policy(limits={"figures": 0.9}).with_defaults(own).limit_of("grounding") == 0.2


def test_an_answer_that_is_only_unexamined_is_escalated_not_revised() -> None:
    failed = [Unexamined("figures", "broke")]
    policy = Policy(revisions=5)
    assert policy.decide({"toxicity": Finding(0.1)}, failed, last=False) is Action.ESCALATE
    assert policy.decide({"toxicity": Finding(0.1)}, failed, last=True) is Action.HOLD


def test_a_failure_is_tolerated_only_by_name() -> None:
    failed = [Unexamined("figures", "broke")]
    assert Policy(tolerated=frozenset({"figures"})).decide({}, failed) is Action.ACCEPT
    assert Policy(tolerated=frozenset({"toxicity"})).decide({}, failed) is Action.HOLD


@pytest.mark.parametrize(
    ("wrong", "error", "complaint"),
    [
        ({"limit": 1.5}, ValueError, r"must lie in \[0, 1\], got 1.5"),
        ({"limits": {"figures": -1}}, ValueError, "the limit of figures"),
        ({"revisions": -1}, ValueError, "0 or more, got -1"),
        ({"otherwise": Action.ACCEPT}, ValueError, "HOLD or REFUSE"),
        ({"tolerated": "figures"}, TypeError, "a set of names"),
    ],
)
def test_a_policy_refuses_nonsense(
    wrong: dict[str, Any], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        Policy(**wrong)


@pytest.mark.parametrize("risk", [-0.1, 1.1, float("nan")])
def test_a_risk_is_a_probability(risk: float) -> None:
    with pytest.raises(ValueError, match="risk must lie in"):
        Finding(risk)
