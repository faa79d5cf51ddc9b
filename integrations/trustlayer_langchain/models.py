"""Chat models and chains as trustlayer models."""

from __future__ import annotations

from typing import Any

from langchain_core.language_models import BaseLanguageModel
from langchain_core.runnables import Runnable, RunnableSequence
from langchain_core.runnables.base import RunnableBindingBase

from trustlayer import Model, Price, Reply, Request
from trustlayer_langchain.texts import parts_of
from trustlayer_langchain.witness import Witness

Chain = Runnable[Any, Any]


def model(chat_model: Chain, name: str | None = None, price: Price | None = None) -> Model:
    """Make a trustlayer Model of *chat_model*, or of any Runnable that takes a text.

    It is asked one text with the question, the advice and the passages. Without a *name*, the
    audit store knows it by the one that its service gives.
    """

    def ask(request: Request) -> Reply:
        witness = Witness()
        output = chat_model.invoke(request.text, {"callbacks": [witness]})
        return reply_of(output, witness, named=name is not None)

    return Model(name or name_of(chat_model), ask, price)


def reply_of(
    output: object,
    witness: Witness,
    *,
    named: bool = False,
    part: object = None,
    tools: bool = False,
) -> Reply:
    """What a chain gave as a `Reply`; *part* is what of it counts, if not all."""
    parts = parts_of(output if part is None else part, tools=tools)
    tokens_in, tokens_out = witness.tokens
    return Reply(
        parts.text,
        witness.context or None,
        witness.logprobs(parts.text),
        tokens_in,
        tokens_out,
        model=None if named else witness.model,
        unexamined=parts.unexamined,
        tokens=witness.pieces(parts.text),
        output=output,
    )


def name_of(chain: Chain) -> str:
    """The name of the last model that shows in *chain*, else the chain's own."""
    found = _model_in(chain)
    if found is None:
        return chain.get_name()
    named = getattr(found, "model_name", None) or getattr(found, "model", None)
    return named if isinstance(named, str) else found.get_name()


def _model_in(chain: Chain) -> BaseLanguageModel[Any] | None:
    if isinstance(chain, BaseLanguageModel):
        return chain
    if isinstance(chain, RunnableBindingBase):
        return _model_in(chain.bound)
    steps: list[Chain] = chain.steps if isinstance(chain, RunnableSequence) else []
    return next((found for step in reversed(steps) if (found := _model_in(step))), None)
