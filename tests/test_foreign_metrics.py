"""Metrics in the ways of TruLens, DeepEval and others, as detectors."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from trustlayer import Action, Exchange, Finding, Unexamined, Verifier
from trustlayer_metrics import as_detector

SAID = Exchange("How tall?", "It is 43 m.", ("The tower is 43 m tall.", "It is white."), ("43",))


def found(metric: Any, **options: Any) -> Finding:
    [finding] = as_detector(metric, **options).examine([SAID])
    assert isinstance(finding, Finding)
    return finding


def test_a_function_in_the_way_of_trulens() -> None:
    def relevance(prompt: str, response: str) -> float:
        assert (prompt, response) == (SAID.prompt, SAID.answer)
        return 0.9

    def groundedness(source: str, statement: str) -> tuple[float, dict[str, str]]:
        assert source == "The tower is 43 m tall.\n\nIt is white."
        return 0.2, {"reason": "little of it is there"}

    assert as_detector(relevance).name == "relevance"
    assert found(relevance).risk == pytest.approx(0.1)
    doubted = found(groundedness)
    assert doubted.risk == 0.8
    assert [e.reason for e in doubted.evidence] == ["reason: little of it is there"]


def test_an_object_in_the_way_of_trulens() -> None:
    class Metric:
        """Takes anything, and keeps the function that it is of."""

        name = "relevance"
        higher_is_better = True

        def imp(self, prompt: str, response: str) -> float:
            return 0.75 if (prompt, response) == (SAID.prompt, SAID.answer) else 0.0

        def __call__(self, *args: Any, **kwargs: Any) -> float:
            return self.imp(*args, **kwargs)

    assert as_detector(Metric()).name == "relevance"
    assert found(Metric()).risk == 0.25


def test_directions() -> None:
    def toxic(text: str) -> float:
        return 0.9

    toxic.higher_is_better = False  # type: ignore[attr-defined]
    assert found(toxic).risk == 0.9
    assert found(lambda answer: 0.9, higher_is_better=False).risk == 0.9
    assert found(lambda answer: answer.startswith("It")).risk == 0.0
    assert found(lambda answer: False).evidence[0].reason == "metric: 0.00"


@pytest.mark.parametrize(
    ("metric", "risk"),
    [
        (lambda anything: 0.75 if anything == SAID.answer else 0.0, 0.25),
        (lambda exchange: exchange.answer == SAID.answer, 0.0),
        (lambda question, contexts, answer: len(contexts) / 2, 0.0),
        (lambda answer, samples: len(samples) / 2, 0.5),
        (lambda answer, strict=True: {"score": 0.25, "explanation": "so"}, 0.75),
        (lambda *args, answer, **kwargs: SimpleNamespace(score=0.25, explanation="so"), 0.75),
        (lambda answer: SimpleNamespace(result=0.5), 0.5),
        (lambda answer: Finding(0.125), 0.125),
    ],
)
def test_any_callable(metric: Any, risk: float) -> None:
    assert found(metric).risk == pytest.approx(risk)


@dataclass
class Faithfulness:
    """In the way of DeepEval."""

    threshold: float = 0.7
    gives: float | None = 0.6
    score: float | None = None
    reason: str | None = None
    success: bool | None = None

    def measure(self, test_case: Any) -> float | None:
        assert test_case.input == SAID.prompt
        assert test_case.retrieval_context == list(SAID.context)
        self.score, self.reason = self.gives, "one claim is not borne out"
        self.success = None if self.gives is None else self.gives >= self.threshold
        return self.score


def test_an_object_in_the_way_of_deepeval() -> None:
    metric = Faithfulness()
    made = as_detector(metric)
    assert made.name == "Faithfulness"
    assert made.limit == pytest.approx(0.3)
    verdict = Verifier([made]).verify(SAID)
    assert verdict.action is Action.HOLD
    assert verdict.findings["Faithfulness"].risk == pytest.approx(0.4)
    assert verdict.findings["Faithfulness"].evidence[0].reason == "one claim is not borne out"
    assert metric.score is None  # each examination has its own
    assert Verifier([as_detector(Faithfulness(gives=0.8))]).verify(SAID).action is Action.ACCEPT


def test_its_own_word_on_success_must_agree() -> None:
    verdict = Verifier([as_detector(Faithfulness(), higher_is_better=False)]).verify(SAID)
    [unexamined] = verdict.unexamined
    assert "calls 0.6 a failure at a threshold of 0.7, expected the opposite" in unexamined.reason
    assert "higher_is_better=True" in unexamined.reason


def test_deepevals_own_test_case_is_used_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("deepeval.test_case")
    made: list[dict[str, Any]] = []

    class Case:
        def __init__(self, **told: Any) -> None:
            made.append(told)
            self.__dict__.update(told)

    module.LLMTestCase = Case  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "deepeval", ModuleType("deepeval"))
    monkeypatch.setitem(sys.modules, "deepeval.test_case", module)
    assert found(Faithfulness()).risk == pytest.approx(0.4)
    assert set(made[0]) == {"input", "actual_output", "context", "retrieval_context"}


@pytest.mark.parametrize("given", [None, "fine", float("nan"), {"reason": "?"}, (None, "x")])
def test_no_score_is_no_finding(given: Any) -> None:
    [unexamined] = as_detector(lambda answer: given, "silent").examine([SAID])
    assert isinstance(unexamined, Unexamined)
    assert unexamined.reason.startswith("the metric gave no score")
    assert Verifier([as_detector(Faithfulness(gives=None))]).verify(SAID).action is Action.HOLD


def test_what_cannot_be_read_fails_closed() -> None:
    def of_ten(answer: str) -> float:
        return 7.5

    def strange(answer: str, colour: str) -> float:
        return 0.0

    for metric, told in ((of_ten, "gave 7.5, expected a number in [0, 1]"), (strange, "'colour'")):
        verdict = Verifier([as_detector(metric)]).verify(SAID)
        assert verdict.action is Action.HOLD
        assert told in verdict.unexamined[0].reason
