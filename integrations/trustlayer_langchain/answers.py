"""What comes out: an accepted `Answer` or a `Refusal`, both messages, never to be confused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, cast

from langchain_core.messages import AIMessage
from pydantic import PrivateAttr

from trustlayer import Action, Outcome, Verdict

HELD = "This answer could not be verified and is held for a person to review. Reference: {id}"
REFUSED = "No answer to this could be verified. Reference: {id}"


class _Examined(AIMessage):
    """A message whose ``response_metadata["trust"]`` tells what the examination came to."""

    _outcome: Outcome | None = PrivateAttr(default=None)

    # LangGraph writes a message into a checkpoint under the class that it claims to be, and
    # reads back only those that it knows: what is written is a plain message, metadata and all.
    @property  # type: ignore[misc]
    def __class__(self) -> type[AIMessage]:  # type: ignore[override]
        return AIMessage

    def __repr_name__(self) -> str:
        return type(self).__name__

    def __reduce__(self) -> Any:
        return self.plain().__reduce__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.plain().__reduce_ex__(protocol)

    @property
    def trust(self) -> Mapping[str, Any]:
        """What the examination came to, as plain data; see `summary`."""
        return cast("Mapping[str, Any]", self.response_metadata.get("trust", {}))

    @property
    def outcome(self) -> Outcome | None:
        """Everything there is to know, drafts included; None in a copy that was serialised."""
        return self._outcome

    def plain(self) -> AIMessage:
        """The same as a message of LangChain's own type, for the state of a graph."""
        fields = {name: getattr(self, name) for name in set(AIMessage.model_fields) - {"type"}}
        return AIMessage.model_construct(**fields)

    @classmethod
    def lc_id(cls) -> list[str]:
        return AIMessage.lc_id()  # what is read back is a plain message, with its metadata


class Answer(_Examined):
    """An accepted answer."""

    _output: object = PrivateAttr(default=None)

    @property
    def output(self) -> Any:
        """What the chain itself gave: a str, a message, a structure."""
        return self._output

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """The accepted answer of *outcome*; itself, if the chain gave a message."""
        attempt = next(a for a in outcome.attempts if a.verdict is outcome.best)
        source = attempt.output
        fields: dict[str, Any] = {"content": outcome.answer}
        if isinstance(source, AIMessage):
            names = set(AIMessage.model_fields) - {"type"}
            fields = {name: getattr(source, name) for name in names}
        metadata = {**fields.pop("response_metadata", {}), "trust": summary(outcome)}
        # Not validated again: messages out of LangChain's cache would not pass.
        message = cls.model_construct(**fields, response_metadata=metadata)
        message._outcome = outcome
        message._output = outcome.answer if source is None else source
        return message


class Refusal(_Examined):
    """No answer: the content is a text to show in its place; the drafts stay in the outcome."""

    @property
    def action(self) -> Action:
        """HOLD for a person, or REFUSE."""
        return Action(self.trust["action"])

    @classmethod
    def of(cls, outcome: Outcome, text: str) -> Self:
        """The refusal of *outcome*, saying *text*."""
        message = cls(content=text, response_metadata={"trust": summary(outcome)})
        message._outcome = outcome
        return message


def refusal_text(outcome: Outcome) -> str:
    """What a reader is told in place of an answer."""
    text = HELD if outcome.action is Action.HOLD else REFUSED
    return text.format(id=outcome.id)


def summary(outcome: Outcome) -> dict[str, Any]:
    """What the examination came to, as plain data that serialises and shows no rejected text.

    The reasons of a refusal quote what was rejected: they stand in the outcome and in the
    audit store, under ``outcome_id``, and here only who objected, and where.
    """
    is_accepted = outcome.action is Action.ACCEPT
    last = outcome.attempts[-1] if outcome.attempts else None
    return {
        "outcome_id": outcome.id,
        "action": outcome.action.value,
        "accepted": is_accepted,
        "attempts": len(outcome.attempts),
        "model": last.model if last else None,
        **_of_verdict(outcome.best, with_reasons=is_accepted),
    }


def _of_verdict(verdict: Verdict | None, *, with_reasons: bool) -> dict[str, Any]:
    if verdict is None:
        return {"risk": None, "risks": {}, "evidence": [], "unexamined": []}
    evidence = [
        {
            "detector": name,
            "start": e.span.start if e.span else None,
            "end": e.span.end if e.span else None,
        }
        | ({"reason": e.reason} if with_reasons else {})
        for name, finding in verdict.findings.items()
        for e in finding.evidence
    ]
    unexamined = [
        {"detector": u.detector} | ({"reason": u.reason} if with_reasons else {})
        for u in verdict.unexamined
    ]
    risks = {name: finding.risk for name, finding in verdict.findings.items()}
    return {
        "risk": verdict.risk,
        "risks": risks,
        "evidence": evidence,
        "unexamined": unexamined,
    }
