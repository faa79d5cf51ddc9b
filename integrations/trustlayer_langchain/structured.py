"""Structured outputs of a chat model, handed out only once their values have been accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from langchain_core.runnables import Runnable, RunnableLambda

from trustlayer import Outcome, Price, TrustlayerError, Verifier
from trustlayer_langchain.answers import Answer, Refusal
from trustlayer_langchain.passages import Context
from trustlayer_langchain.trusted import trusted


class Refused(TrustlayerError):
    """No structured output was accepted; *refusal* is the message in its place."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal.text))
        self.refusal = refusal
        self.add_note("its attempts are in the outcome: error.refusal.outcome, or the audit store")


def structured(
    chain: Runnable[Any, Any],
    verifier: Verifier,
    *,
    fallbacks: Sequence[Runnable[Any, Any]],
    context: Context | None,
    prices: Mapping[str, Price],
    refusal: Callable[[Outcome], str],
    include_raw: bool,
) -> Runnable[Any, Any]:
    """Wrap *chain*, which gives ``raw``, ``parsed`` and ``parsing_error``.

    The verifier's own models answer in text, so they are not asked.
    """
    step = trusted(
        chain,
        replace(verifier, models=()),
        context=context,
        fallbacks=fallbacks,
        answer="parsed",
        prices=prices,
        refusal=refusal,
        name="structured",
    )
    return step | RunnableLambda(partial(_unwrapped, include_raw=include_raw), name="unwrap")


def _unwrapped(message: Answer | Refusal, *, include_raw: bool) -> Any:
    if isinstance(message, Answer):
        output = cast("Mapping[str, Any]", message.output)
        return dict(output) if include_raw else output["parsed"]
    refused = Refused(message)
    if include_raw:
        return {"raw": message.plain(), "parsed": None, "parsing_error": refused}
    raise refused
