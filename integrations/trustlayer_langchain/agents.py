"""Agents whose final answers are examined before they enter the state: `TrustMiddleware`.

Needs the extra ``langchain``. Steps of the agent, that is calls of tools, go on as they are,
but for texts beside them that are not accepted: these are left out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NotRequired, cast

try:
    from langchain.agents.middleware import (
        AgentMiddleware,
        AgentState,
        ExtendedModelResponse,
        ModelRequest,
        ModelResponse,
    )
    from langgraph.types import Command, interrupt
except ImportError as error:
    error.add_note("agents need an extra: pip install 'trustlayer[langchain]'")
    raise

from langchain_core.callbacks.manager import adispatch_custom_event, dispatch_custom_event
from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import ensure_config

from trustlayer import Action, Model, Outcome, Price, Verifier
from trustlayer_langchain.answers import refusal_text, summary
from trustlayer_langchain.passages import Passages
from trustlayer_langchain.trusted import EVENT
from trustlayer_langchain.turn import Failed, Turn

Call = Callable[[ModelRequest[Any]], ModelResponse[Any]]
AwaitedCall = Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
REVIEW = "trust.review"  # the kind of an interrupt


class _Unclear(Exception):
    """A person's word on a held answer cannot be followed."""


class TrustState(AgentState[Any]):
    """*trust* tells what the examination of the newest answer came to; None for a step."""

    trust: NotRequired[dict[str, Any] | None]


class TrustMiddleware(AgentMiddleware[TrustState, Any, Any]):
    """Has the agent's answers examined, revised, asked of stronger models, and held.

    Answers have to rest on what tools have answered, or on what *context* finds in the state.
    *fallbacks* are asked after the agent's own model, then the verifier's models. An answer
    that the policy holds interrupts the agent, unless *interrupts* is false: resume it with
    ``Command(resume={"text": ...})``, which puts that text in its place, with ``"accept"``,
    which takes the held answer out of the verifier's store, or with ``"refuse"``; at any other
    word it interrupts again and says why. No model is asked again. Drafts are in the store,
    and never in the state or in a stream.
    """

    state_schema = TrustState

    def __init__(
        self,
        verifier: Verifier,
        *,
        fallbacks: Sequence[BaseChatModel | Model] = (),
        context: Callable[[Mapping[str, Any]], Passages] | None = None,
        interrupts: bool = True,
        prices: Mapping[str, Price] | None = None,
        refusal: Callable[[Outcome], str] = refusal_text,
    ) -> None:
        super().__init__()
        self.verifier = verifier
        self.fallbacks = tuple(fallbacks)
        self.context = context
        self.interrupts = interrupts
        self.prices = dict(prices or {})
        self.refusal = refusal

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Call
    ) -> ExtendedModelResponse[Any]:
        turn = self._turn(request)
        first = turn.first(handler)
        if not isinstance(first, Failed) and (step := turn.step(first)) is not None:
            verdict = self.verifier.verify(step.exchange) if step.exchange else None
            return _extended(step.response(verdict), None)
        ladder = turn.ladder(first, handler, self.verifier.models)
        [outcome] = self.verifier.run_all([turn.asked], [turn.correlation], ladders=[ladder])
        dispatch_custom_event(EVENT, summary(outcome), config=ensure_config())
        return self._conclude(turn, outcome)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: AwaitedCall
    ) -> ExtendedModelResponse[Any]:
        turn = self._turn(request)
        first = await turn.afirst(handler)
        if not isinstance(first, Failed) and (step := turn.step(first)) is not None:
            verdict = await turn.averify(self.verifier, step.exchange) if step.exchange else None
            return _extended(step.response(verdict), None)
        ladder = turn.aladder(first, handler, self.verifier.models)
        [outcome] = await self.verifier.arun_all([turn.asked], [turn.correlation], ladders=[ladder])
        await adispatch_custom_event(EVENT, summary(outcome), config=ensure_config())
        return self._conclude(turn, outcome)

    def after_model(self, state: TrustState, runtime: Any) -> dict[str, Any] | None:
        """Interrupt where an answer is held; this node alone runs again on resuming."""
        trust = state.get("trust")
        if not self.interrupts or trust is None or trust["action"] != Action.HOLD:
            return None
        message = state["messages"][-1]
        text, action = self._review(trust)
        settled = {**trust, "action": action.value, "accepted": action is Action.ACCEPT}
        settled["reviewed"] = True
        # The same id replaces the message; another one would only be added to it.
        own = {"content": text, "response_metadata": {"trust": settled}}
        return {"messages": [message.model_copy(update=own)], "trust": settled}

    async def aafter_model(self, state: TrustState, runtime: Any) -> dict[str, Any] | None:
        return self.after_model(state, runtime)

    def _turn(self, request: ModelRequest[Any]) -> Turn:
        found = self.context and self.context(cast("Mapping[str, Any]", request.state))
        return Turn.of(request, found, self.fallbacks, self.prices)

    def _conclude(self, turn: Turn, outcome: Outcome) -> ExtendedModelResponse[Any]:
        trust = summary(outcome)
        if outcome.action is Action.ACCEPT:
            return _extended(turn.accepted(outcome, trust), trust)
        if turn.errors and not outcome.verdicts:
            error = turn.errors[-1]
            error.add_note(f"no rung of the ladder answered; recorded as outcome {outcome.id}")
            raise error
        return _extended(turn.refused(self.refusal(outcome), trust), trust)

    def _review(self, trust: Mapping[str, Any]) -> tuple[str, Action]:
        # An error would leave the word in the checkpoint, and no other could ever be given.
        told: dict[str, Any] = {"kind": REVIEW, **trust}
        while True:
            try:
                return self._followed(interrupt(told), trust)
            except _Unclear as problem:
                told = {**told, "problem": str(problem)}

    def _followed(self, word: Any, trust: Mapping[str, Any]) -> tuple[str, Action]:
        if isinstance(word, Mapping) and "text" in word:
            return str(cast("Mapping[str, Any]", word)["text"]), Action.ACCEPT
        if word == "refuse":
            return "A person has looked at this answer and refused it.", Action.REFUSE
        if word == "accept":
            return self._held(str(trust["outcome_id"])), Action.ACCEPT
        raise _Unclear(f'expected {{"text": ...}}, "accept" or "refuse", got {word!r}')

    def _held(self, outcome_id: str) -> str:
        read: Callable[[str], Outcome] | None = getattr(self.verifier.store, "outcome", None)
        best = read(outcome_id).best if read else None
        if best is not None:
            return best.exchange.answer
        raise _Unclear(
            f"the held answer of outcome {outcome_id} is in no store: give the Verifier one, "
            'store=AuditStore.create(...), or resume with {"text": ...}'
        )


def _extended(
    response: ModelResponse[Any], trust: dict[str, Any] | None
) -> ExtendedModelResponse[Any]:
    return ExtendedModelResponse(response, Command(update={"trust": trust}))
