"""One verifier for chat models that give log-probabilities and for those that only answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from trustlayer import Policy, Sampling, Token, Verdict, Verifier
from trustlayer_detectors.uncertainty import Models, Uncertainty
from trustlayer_langchain import Answer, Refusal, trusted
from trustlayer_langchain.witness import pieces_of

LIKELIHOODS = {
    "logprobs": {
        "content": [
            {
                "token": "Oslo",
                "logprob": -0.05,
                "top_logprobs": [
                    {"token": "Oslo", "logprob": -0.05},
                    {"token": "Bergen", "logprob": -3.1},
                ],
            }
        ]
    }
}
NO_MODEL = Models(
    lambda pairs: np.ones((len(pairs), 3)) / 3, lambda texts: np.ones((len(texts), 2))
)
VERIFIER = Verifier([Uncertainty(NO_MODEL)], policy=Policy(sampling=Sampling(count=2), revisions=0))


def says(*texts: str, **metadata: Any) -> GenericFakeChatModel:
    messages: Iterator[AIMessage] = iter(
        AIMessage(text, response_metadata=metadata) for text in texts
    )
    return GenericFakeChatModel(messages=messages)


def verdict(message: Answer | Refusal) -> Verdict:
    assert message.outcome is not None
    return message.outcome.verdicts[-1]


@pytest.mark.parametrize("metadata", [LIKELIHOODS, {}], ids=["with", "without"])
def test_an_answer_that_is_repeated_is_let_through(metadata: dict[str, Any]) -> None:
    message = trusted(says("Oslo", "Oslo", "Oslo", **metadata), VERIFIER).invoke("Which city?")
    assert isinstance(message, Answer)
    assert message.text == "Oslo"
    exchange = verdict(message).exchange
    assert exchange.samples == ("Oslo", "Oslo")
    assert (exchange.logprobs is not None) is bool(metadata)
    [*_, used] = verdict(message).findings["uncertainty"].evidence
    assert ("doubt" in used.reason) is bool(metadata)
    assert ("without log-probabilities" in used.reason) is not bool(metadata)


@pytest.mark.parametrize("metadata", [LIKELIHOODS, {}], ids=["with", "without"])
def test_an_answer_that_is_not_repeated_is_not(metadata: dict[str, Any]) -> None:
    model = says("Oslo", "Bergen", "Tromsø", **metadata)
    assert isinstance(trusted(model, VERIFIER).invoke("Which city?"), Refusal)


def test_a_sampling_call_that_fails_is_no_acceptance() -> None:
    message = trusted(says("Oslo", "Oslo"), VERIFIER).invoke("Which city?")
    assert isinstance(message, Refusal)
    [failure] = verdict(message).unexamined
    assert failure.detector == "uncertainty"
    assert "sampling failed" in failure.reason


async def test_it_is_the_same_when_awaited() -> None:
    message = await trusted(says("Oslo", "Oslo", "Oslo"), VERIFIER).ainvoke("Which city?")
    assert isinstance(message, Answer)


def test_tokens_come_with_their_alternatives() -> None:
    message = AIMessage("Oslo", response_metadata=LIKELIHOODS)
    assert pieces_of(message) == (Token("Oslo", -0.05, (-0.05, -3.1)),)
    for odd in ({}, {"logprobs": None}, {"logprobs": {"content": [{"logprob": -1.0}]}}):
        assert pieces_of(AIMessage("Oslo", response_metadata=odd)) == ()
