"""What a model answered through the proxy, what of it is text, and what is handed out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litellm.types.utils import Choices, Message, TextChoices

from trustlayer import Action, Outcome, Reply, Unexamined, Verdict

HELD = "This answer could not be verified and is held for a person to review. Reference: {id}"
REFUSED = "No answer to this could be verified. Reference: {id}"
HIDDEN = ("reasoning_content", "reasoning", "thinking_blocks", "reasoning_items")
_OTHER = {
    "tool_calls": "tool_call",
    "function_call": "tool_call",
    "audio": "audio",
    "images": "image",
}
Choice = Choices | TextChoices


def reply_of(response: Any, choice: Choice, declared: tuple[Unexamined, ...] = ()) -> Reply:
    """The answer in *choice* of *response*; *declared* is what of the prompt nobody sees."""
    usage: Any = getattr(response, "usage", None)
    alone = len(response.choices) == 1
    hidden: Mapping[str, Any] = getattr(response, "_hidden_params", None) or {}
    cost = hidden.get("response_cost")
    return Reply(
        text_in(choice),
        tokens_in=getattr(usage, "prompt_tokens", None) if alone else None,
        tokens_out=getattr(usage, "completion_tokens", None) if alone else None,
        cost=float(cost) if alone and isinstance(cost, int | float) else None,
        logprobs=_logprobs(choice),
        model=getattr(response, "model", None),
        unexamined=(*declared, *unseen_in(choice)),
        output=choice,
    )


def text_in(choice: Choice) -> str:
    """All the text of *choice* that a client reads, a refusal of the model's own included."""
    if isinstance(choice, TextChoices):
        return choice.text or ""
    message = choice.message
    told = message.content or getattr(message, "refusal", None)
    return told if isinstance(told, str) else ""


def unseen_in(choice: Choice) -> tuple[Unexamined, ...]:
    """What is in *choice* besides text, or that there is nothing in it."""
    message = getattr(choice, "message", None)
    kinds = dict.fromkeys(kind for name, kind in _OTHER.items() if getattr(message, name, None))
    if not kinds and not text_in(choice).strip():
        return (Unexamined("answer", "the model gave no text"),)
    return tuple(
        Unexamined(kind, f"the answer holds a {kind}, which no detector examines") for kind in kinds
    )


def _logprobs(choice: Choice) -> tuple[float, ...] | None:
    found: Any = getattr(getattr(choice, "logprobs", None), "content", None)
    values = [getattr(token, "logprob", None) for token in found or ()]
    numbers = [v for v in values if isinstance(v, int | float) and v == v]
    return tuple(min(0.0, float(v)) for v in numbers) if values and numbers == values else None


def settled(outcome: Outcome, choice: Choice, *, reasoning: bool) -> Choice:
    """What is handed out in the place of *choice*: the accepted answer, or a refusal."""
    if outcome.answer is None:
        return _plain(choice, refusal_text(outcome), refused=True)
    attempt = next(a for a in outcome.attempts if a.verdict is outcome.best)
    given: Any = attempt.output
    if type(given) is not type(choice) or text_in(given) != outcome.answer:
        return _plain(choice, outcome.answer)
    kept = given.model_copy(update={"index": choice.index})
    return kept if reasoning else without_reasoning(kept)


def without_reasoning(choice: Choice) -> Choice:
    """*choice* without the thoughts of the model, which no detector has examined."""
    if isinstance(choice, TextChoices):
        return choice
    message = choice.message.model_copy()
    for name in HIDDEN:
        if getattr(message, name, None) is not None:
            delattr(message, name)
    message.provider_specific_fields = None
    return choice.model_copy(update={"message": message})


def _plain(choice: Choice, text: str, *, refused: bool = False) -> Choice:
    reason = "content_filter" if refused else "stop"
    if isinstance(choice, TextChoices):
        return TextChoices(finish_reason=reason, index=choice.index, text=text)
    message = Message(role="assistant", content=text)
    return Choices(finish_reason=reason, index=choice.index, message=message)


def refusal_text(outcome: Outcome) -> str:
    """What a reader is told in place of an answer."""
    text = HELD if outcome.action is Action.HOLD else REFUSED
    return text.format(id=outcome.id)


def summary(outcome: Outcome) -> dict[str, Any]:
    """What the examination came to, as plain data that shows no rejected text."""
    last = outcome.attempts[-1] if outcome.attempts else None
    return {
        "outcome_id": outcome.id,
        "action": outcome.action.value,
        "accepted": outcome.action is Action.ACCEPT,
        "attempts": len(outcome.attempts),
        "model": last.model if last else None,
        **_of_verdict(outcome.best or _last(outcome)),
    }


def _last(outcome: Outcome) -> Verdict | None:
    return outcome.verdicts[-1] if outcome.verdicts else None


def _of_verdict(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"risk": None, "risks": {}, "unexamined": []}
    risks = {name: round(finding.risk, 6) for name, finding in verdict.findings.items()}
    unseen = [u.detector for u in verdict.unexamined if not u.needless]
    return {"risk": round(verdict.risk, 6), "risks": risks, "unexamined": unseen}


def headers(told: list[dict[str, Any]]) -> dict[str, str]:
    """The verdicts on all answers of a response as headers, the worst action first."""
    order = [a.value for a in (Action.REFUSE, Action.HOLD, Action.ACCEPT)]
    worst = min(told, key=lambda one: order.index(one["action"]))
    risks = [one["risk"] for one in told if one["risk"] is not None]
    return {
        "x-trustlayer-action": worst["action"],
        "x-trustlayer-outcome": ",".join(one["outcome_id"] for one in told),
        **({"x-trustlayer-risk": f"{max(risks):.4f}"} if risks else {}),
    }
