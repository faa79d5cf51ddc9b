"""Hard prompts get more: samples in any case, or the stronger model at once; never less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest

from trustlayer import (
    Action,
    Budget,
    Exchange,
    Finding,
    Model,
    Outcome,
    Policy,
    Preflight,
    Reply,
    Request,
    Sampling,
    Unexamined,
    Verifier,
)
from trustlayer.audit import AuditStore
from trustlayer_detectors.uncertainty import Forecast


def forecast(prompts: Sequence[str]) -> list[float]:
    """Hard is what says so."""
    return [0.9 if "hard" in prompt else 0.1 for prompt in prompts]


@dataclass
class Asked:
    """A model that remembers how often it was asked."""

    answer: str
    seen: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        self.seen.append(request)
        return Reply(self.answer, tokens_in=1, tokens_out=1)


@dataclass(frozen=True)
class Fine:
    """Finds everything sound."""

    name: str = "fine"

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding]:
        return [Finding(0.01)] * len(exchanges)


@dataclass(frozen=True)
class Sampled:
    """Lives on samples."""

    name: str = "uncertainty"

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        return [Finding(0.01) if e.samples else Unexamined(self.name, "none") for e in exchanges]


def run(preflight: Preflight, prompt: str, **options: object) -> tuple[Outcome, Asked, Asked]:
    small, large = Asked("A small answer."), Asked("A large answer.")
    policy = Policy(sampling=Sampling(count=2), **options)  # type: ignore[arg-type]
    models = [Model("small", small), Model("large", large)]
    verifier = Verifier([Fine(), Sampled()], models, policy, preflight=preflight)
    return verifier.run(prompt, ["A passage."]), small, large


def test_a_hard_prompt_goes_to_the_stronger_model_at_once() -> None:
    outcome, small, large = run(Preflight(forecast=forecast, skip=0.5), "A hard one?")
    assert (len(small.seen), len(large.seen)) == (0, 1)
    assert outcome.answer == "A large answer."
    assert outcome.errors == ("preflight: a wrong answer is expected (0.90): small was not asked",)


def test_an_easy_prompt_goes_the_usual_way() -> None:
    outcome, small, large = run(Preflight(forecast=forecast, skip=0.5, sample=0.5), "Easy?")
    assert (len(small.seen), len(large.seen)) == (1, 0)
    assert outcome.errors == ()


def test_a_hard_prompt_is_sampled_though_its_context_is_clear() -> None:
    outcome, small, _ = run(Preflight(forecast=forecast, sample=0.5), "A hard one?")
    assert len(small.seen) == 3
    assert outcome.best is not None
    assert len(outcome.best.exchange.samples) == 2


def test_the_last_model_is_never_passed_over() -> None:
    model = Asked("The only answer.")
    verifier = Verifier(
        [Fine()], [Model("m", model)], preflight=Preflight(forecast=forecast, skip=0.5)
    )
    assert verifier.run("A hard one?").answer == "The only answer."


def test_what_was_done_before_the_first_question_is_no_attempt_of_the_budget() -> None:
    preflight = Preflight(forecast=forecast, skip=0.5)
    outcome, _, _ = run(preflight, "A hard one?", budget=Budget(attempts=1))
    assert outcome.action is Action.ACCEPT
    assert outcome.spent.attempts == 1


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lambda prompts: 1 / 0, "ZeroDivisionError"),
        (lambda prompts: [], "expected 1 probabilities"),
        (lambda prompts: [float("nan")], "expected 1 probabilities"),
        (lambda prompts: [2.0], "expected 1 probabilities"),
    ],
)
def test_a_forecast_that_fails_changes_nothing_and_is_told(broken: object, told: str) -> None:
    preflight = Preflight(forecast=broken, skip=0.0, sample=0.0)  # type: ignore[arg-type]
    outcome, small, _ = run(preflight, "A hard one?")
    assert len(small.seen) == 1
    assert outcome.answer == "A small answer."
    assert told in outcome.errors[0]


async def test_awaited_and_streamed_alike() -> None:
    small, large = Asked("A small answer."), Asked("A large answer.")
    models = [Model("small", small), Model("large", large)]
    verifier = Verifier([Fine()], models, preflight=Preflight(forecast=forecast, skip=0.5))
    assert (await verifier.arun("A hard one?")).answer == "A large answer."
    assert "".join(verifier.stream("A hard one?")) == "A large answer."
    assert small.seen == []


def test_it_stands_in_the_audit_store() -> None:
    with AuditStore.create("sqlite://") as store:
        models = [Model("small", Asked("A.")), Model("large", Asked("A large answer."))]
        preflight = Preflight(forecast=forecast, skip=0.5)
        outcome = Verifier([Fine()], models, store=store, preflight=preflight).run("A hard one?")
        assert store.outcome(outcome.id).attempts[0].error == outcome.errors[0]


def test_bounds_are_probabilities() -> None:
    with pytest.raises(ValueError, match="skip must lie in"):
        Preflight(forecast=forecast, skip=1.5)


def letters(texts: Sequence[str], /) -> npt.NDArray[np.floating]:
    """Vectors that tell texts with a z from those without."""
    return np.array([[1.0, 0.0] if "z" in text else [0.0, 1.0] for text in texts])


EASY = [f"Where is number {n}?" for n in range(20)]
HARD = [f"Where is the zoo of {n}?" for n in range(20)]


def test_a_forecast_learns_what_was_answered_wrongly() -> None:
    made = Forecast.learn(EASY + HARD, [False] * 20 + [True] * 20, embedding=letters)
    easy, hard = made(["Where is it?", "Where is the zoo?"])
    assert easy < 0.3 < 0.7 < hard
    assert made([]) == []


def test_a_forecast_is_as_likely_on_average_as_what_it_learned_from() -> None:
    wrong = [n % 4 == 0 for n in range(40)]
    made = Forecast.learn(EASY + HARD, wrong, embedding=letters)
    assert np.mean(made(EASY + HARD)) == pytest.approx(0.25, abs=1e-3)


def test_a_forecast_there_and_back_as_json() -> None:
    made = Forecast.learn(EASY + HARD, [False] * 20 + [True] * 20, embedding=letters)
    again = Forecast.from_json(made.to_json(), letters)
    assert again == made
    assert again(HARD) == made(HARD)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "bias": 0}'])
def test_what_is_no_forecast_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="this is no forecast"):
        Forecast.from_json(text)


@pytest.mark.parametrize(
    ("prompts", "wrong", "message"),
    [
        (EASY, [True], "got 20 prompts, but 1"),
        (EASY[:5], [True] * 5, "it takes 20 prompts"),
        (EASY, [True] * 20, "right and wrong answers among them; got 20, 20 of them wrong"),
    ],
)
def test_too_little_to_learn_from(prompts: list[str], wrong: list[bool], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Forecast.learn(prompts, wrong, embedding=letters)


def test_another_encoder_than_it_learned_with_is_refused() -> None:
    made = Forecast.learn(EASY + HARD, [False] * 20 + [True] * 20, embedding=letters)
    with pytest.raises(ValueError, match="learned from 4 features, but this encoder gives 386"):
        Forecast(made.weights, made.bias)(["Where?"])
