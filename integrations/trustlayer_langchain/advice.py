"""Asking a chain again: the advice goes to its model, not to its retriever.

Where the chain's structure shows its model, the advice is put right before that: what is
retrieved stays the same. Else it goes where the question was.
"""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from langchain_core.language_models import BaseChatModel, BaseLanguageModel
from langchain_core.messages import HumanMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import (
    Runnable,
    RunnableLambda,
    RunnableParallel,
    RunnableSequence,
    RunnableWithFallbacks,
)
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.passthrough import RunnableAssign

from trustlayer import Request
from trustlayer_langchain.inputs import asking_again, messages_of

Chain = Runnable[Any, Any]


def again(
    chain: Chain, given: Any, request: Request, question: str | None, answer: str | None
) -> tuple[Chain, Any]:
    """The chain to call and its input, for *request*; *answer* names the output that counts."""
    if not request.advice:
        return chain, given
    guided = advised(chain, request.advice, answer)
    if guided is not None:
        return guided, given
    return chain, asking_again(given, request, question)


def advised(chain: Chain, advice: str, answer: str | None = None) -> Chain | None:
    """*chain* with *advice* put before its last model, or None when no model shows."""
    if _model(chain) is not None:
        chat = isinstance(_model(chain), BaseChatModel)
        step = RunnableLambda(partial(_add, advice, chat=chat), name="advice")
        return step | chain
    if isinstance(chain, RunnableSequence):
        return _in_sequence(chain.steps, advice, answer, chain.name)
    if isinstance(chain, RunnableAssign):
        guided = _in_parallel(cast("Any", chain).mapper, advice, answer)
        return None if guided is None else RunnableAssign(guided)
    if isinstance(chain, RunnableParallel):
        return _in_parallel(chain, advice, answer)
    if isinstance(chain, RunnableBindingBase):
        bound = advised(chain.bound, advice, answer)
        return None if bound is None else chain.model_copy(update={"bound": bound})
    return None


def _in_sequence(
    steps: list[Chain], advice: str, answer: str | None, name: str | None
) -> Chain | None:
    for place in reversed(range(len(steps))):
        if (guided := advised(steps[place], advice, answer)) is not None:
            return RunnableSequence(*steps[:place], guided, *steps[place + 1 :], name=name)
    return None


def _in_parallel(
    chain: RunnableParallel[Any], advice: str, answer: str | None
) -> RunnableParallel[Any] | None:
    # With several models and no word on which one counts, all of them get the advice.
    steps: dict[str, Chain] = dict(chain.steps__)
    wanted = [name for name in steps if name == answer] or list(steps)
    guided = {n: new for n in wanted if (new := advised(steps[n], advice, answer)) is not None}
    return RunnableParallel(cast("Any", {**steps, **guided})) if guided else None


def _model(chain: Chain) -> BaseLanguageModel[Any] | None:
    # The model that *chain* is, under whatever has been bound to it.
    if isinstance(chain, BaseLanguageModel):
        return chain
    if isinstance(chain, RunnableBindingBase):
        return _model(chain.bound)
    return _model(chain.runnable) if isinstance(chain, RunnableWithFallbacks) else None


def _add(advice: str, given: Any, *, chat: bool) -> Any:
    if chat:
        messages = [HumanMessage(given)] if isinstance(given, str) else messages_of(given)
        return [*messages, HumanMessage(advice)]
    text = given.to_string() if isinstance(given, PromptValue) else str(given)
    return f"{text}\n\n{advice}"
