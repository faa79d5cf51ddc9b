from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from trustlayer import (
    Action,
    Evidence,
    Exchange,
    Finding,
    Model,
    Outcome,
    Policy,
    Price,
    Reply,
    Request,
    Span,
    Verifier,
)
from trustlayer.passages import nearest
from trustlayer.policy import Strategy

CONTEXT = (
    "The tower was opened in 1889. It is 330 m tall. It stands in Paris.",
    "Lifts carry visitors up. The restaurant closes at ten.",
)
DRAFT = "The tower stands in Paris. It is 500 m tall. Lifts carry visitors. It is made of gold."


@dataclass(frozen=True)
class Wrong:
    """Doubts what is told to be wrong; the risk grows with how much of it there is."""

    words: tuple[str, ...] = ("500 m", "gold", "silver")
    name: str = "wrong"

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding]:
        return [self._one(exchange.answer) for exchange in exchanges]

    def _one(self, text: str) -> Finding:
        found = [m.span() for word in self.words for m in re.finditer(word, text)]
        evidence = tuple(Evidence("not in the passages", Span(*span)) for span in found)
        return Finding(min(1.0, 0.6 + 0.1 * len(found)) if found else 0.1, evidence)


@dataclass
class Cloud:
    answers: list[str]
    asked: list[Request] = field(default_factory=list)

    def model(self, name: str = "cloud") -> Model:
        return Model(name, self._ask, Price(1, 1))

    def _ask(self, request: Request) -> Reply:
        self.asked.append(request)
        return Reply(self.answers[len(self.asked) - 1], tokens_in=1, tokens_out=1)


def run(policy: Policy, *answers: str) -> tuple[Outcome, list[Request]]:
    cloud = Cloud([DRAFT, *answers])
    return Verifier([Wrong()], [cloud.model()], policy).run("What of it?", CONTEXT), cloud.asked


def actions(outcome: Outcome) -> list[str]:
    return [attempt.action.value for attempt in outcome.attempts]


def test_the_nearest_passage_stands_beside_each_doubt() -> None:
    _, asked = run(Policy(), "The tower stands in Paris. Lifts carry visitors.")
    assert (
        '"500 m": not in the passages (the nearest passage says: "It is 330 m tall.")'
        in asked[1].advice
    )


def test_nearest_finds_nothing_where_no_word_is_shared() -> None:
    assert nearest("Quite different", CONTEXT) is None
    assert nearest("anything", ()) is None


REPAIRED = "The tower stands in Paris. It is 330 m tall. Lifts carry visitors. It is made of iron."


def test_repair_rewrites_the_doubtful_sentences_and_keeps_the_rest() -> None:
    policy = Policy(strategies=(Strategy.REPAIR,))
    outcome, asked = run(policy, "[1] It is 330 m tall.\n[2] It is made of iron.")
    assert outcome.answer == REPAIRED
    assert "[1] It is 500 m tall.\n[2] It is made of gold." in asked[1].advice


def test_a_repair_may_come_as_the_whole_answer() -> None:
    outcome, _ = run(Policy(strategies=(Strategy.REPAIR,)), REPAIRED)
    assert outcome.answer == REPAIRED


def test_a_repair_that_changes_more_is_refused_and_its_cost_counted() -> None:
    changed = REPAIRED.replace("stands in", "is to be found in")
    policy = Policy(strategies=(Strategy.REPAIR, Strategy.ABSTAIN), revisions=2)
    outcome, _ = run(policy, changed)
    assert actions(outcome) == ["revise", "revise", "accept"]
    assert outcome.answer == "The tower stands in Paris. Lifts carry visitors."
    assert outcome.errors == (
        "ValueError: the repair changed what it had to keep: 'The tower stands in Paris.'",
    )
    assert outcome.attempts[1].cost == outcome.attempts[0].cost


def test_abstaining_cuts_the_doubtful_sentences_and_asks_nobody() -> None:
    outcome, asked = run(Policy(strategies=(Strategy.ABSTAIN,)))
    assert len(asked) == 1
    assert outcome.answer == "The tower stands in Paris. Lifts carry visitors."
    assert [a.model for a in outcome.attempts] == ["cloud", "abstain"]
    assert outcome.attempts[1].cost == 0.0


def test_what_is_wrong_throughout_cannot_be_cut() -> None:
    cloud = Cloud(["All gold."])
    policy = Policy(strategies=(Strategy.ABSTAIN,))
    outcome = Verifier([Wrong()], [cloud.model()], policy).run("?", CONTEXT)
    assert outcome.action is Action.HOLD
    assert "no part of the answer" in outcome.errors[0]


def test_the_best_of_several_answers() -> None:
    policy = Policy(strategies=(Strategy.RETRY,), revisions=2)
    outcome, asked = run(policy, "It is made of gold. And silver. 500 m.", "It is made of gold.")
    assert [request.advice for request in asked] == ["", "", ""]
    assert outcome.action is Action.HOLD
    assert outcome.best is not None
    assert outcome.best.exchange.answer == "It is made of gold."


def test_a_better_revision_that_lost_what_was_right_is_not_kept() -> None:
    outcome, asked = run(Policy(revisions=2), "It is made of gold.", REPAIRED)
    assert [attempt.kept for attempt in outcome.attempts] == [True, False, True]
    assert "- The tower stands in Paris." in asked[2].advice
    assert asked[2].draft == DRAFT
    assert outcome.answer == REPAIRED


def test_an_acceptable_revision_that_lost_something_is_tried_again_while_tries_last() -> None:
    outcome, asked = run(Policy(revisions=2), "Lifts carry visitors.", REPAIRED)
    assert actions(outcome) == ["revise", "revise", "accept"]
    assert "Right, and not to be lost:\n- The tower stands in Paris." in asked[2].advice
    assert "Doubtful" not in asked[2].advice
    assert outcome.answer == REPAIRED


def test_an_acceptable_revision_that_lost_something_is_better_than_none() -> None:
    outcome, _ = run(Policy(revisions=1), "Lifts carry visitors.")
    assert outcome.answer == "Lifts carry visitors."
    outcome, _ = run(Policy(revisions=2), "Lifts carry visitors.", "It is made of gold.")
    assert outcome.answer == "Lifts carry visitors."


def test_a_policy_needs_a_strategy() -> None:
    with pytest.raises(ValueError, match="strategies"):
        Policy(strategies=())


def test_long_answers_stay_quick() -> None:
    draft = "It is 500 m tall. " + "The tower stands in Paris. " * 20_000
    cloud = Cloud([draft, "The tower stands in Paris. " * 20_000])
    outcome = Verifier([Wrong()], [cloud.model()]).run("?", CONTEXT)
    assert outcome.action is Action.ACCEPT


def test_further_passages_are_retrieved_for_what_is_in_doubt() -> None:
    cloud, searched = Cloud([DRAFT, REPAIRED]), list[str]()

    def retrieve(text: str) -> list[str]:
        searched.append(text)
        return ["It is made of iron.", CONTEXT[1]]

    policy = Policy(strategies=(Strategy.RETRIEVE,))
    verifier = Verifier([Wrong()], [cloud.model()], policy, retrieve=retrieve)
    outcome = verifier.run("What of it?", CONTEXT)
    assert searched == ["What of it?\nIt is 500 m tall.\nIt is made of gold."]
    assert cloud.asked[1].context == (*CONTEXT, "It is made of iron.")
    assert outcome.best is not None
    assert outcome.best.exchange.context == cloud.asked[1].context


def test_a_search_that_fails_is_recorded_and_done_without() -> None:
    cloud = Cloud([DRAFT, REPAIRED])

    def retrieve(text: str) -> list[str]:
        raise OSError("no index")

    policy = Policy(strategies=(Strategy.RETRIEVE,))
    outcome = Verifier([Wrong()], [cloud.model()], policy, retrieve=retrieve).run("?", CONTEXT)
    assert outcome.answer == REPAIRED
    assert outcome.errors == ("OSError: no index",)


def test_a_policy_that_retrieves_needs_a_retriever() -> None:
    with pytest.raises(ValueError, match="retrieve="):
        Verifier([Wrong()], policy=Policy(strategies=(Strategy.RETRIEVE,)))
