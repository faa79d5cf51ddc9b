"""From a verdict to what Guardrails makes of it: passed, or failed with spans and a remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, cast

from guardrails_ai.types import ErrorSpan, FailResult, PassResult

from trustlayer import Action, Exchange, Policy, Verdict
from trustlayer.sentences import split

TRIES = 3  # at leaving out what is doubted, before nothing is left
Result: TypeAlias = PassResult | FailResult


def exchange_of(answer: str, metadata: Mapping[str, Any]) -> Exchange:
    """The exchange that a validator is to examine.

    *metadata* may hold the ``prompt``, the ``context`` (texts or documents, one or several),
    ``samples`` and ``logprobs``.
    """
    logprobs = metadata.get("logprobs")
    return Exchange(
        str(metadata.get("prompt", "")),
        answer,
        _texts(metadata.get("context")),
        _texts(metadata.get("samples")),
        None if logprobs is None else tuple(logprobs),
    )


def result_of(
    verdict: Verdict, policy: Policy, metadata: Mapping[str, Any], fix: Callable[[], str]
) -> Result:
    """*verdict* in Guardrails' terms; *fix* is asked for a remedy only when it failed.

    Guardrails hands the metadata of a result to whatever validates next: the caller's own
    stays in it.
    """
    told = {**metadata, "trust": _summary(verdict)}
    if verdict.action is Action.ACCEPT:
        return PassResult(metadata=told)
    return FailResult(
        error_message=_message(verdict, policy),
        fix_value=fix(),
        error_spans=_spans(verdict, policy),
        metadata=told,
    )


def without_doubts(verdict: Verdict, policy: Policy, examine: Callable[[str], Verdict]) -> str:
    """The answer without the sentences that are doubted; may be empty.

    What is left is examined, so that no remedy is handed out unexamined.
    """
    for _ in range(TRIES):
        answer = verdict.exchange.answer
        left = _left(answer, [(span.start, span.end) for span in _spans(verdict, policy)])
        if not left.strip() or left == answer:
            return ""
        verdict = examine(left)
        if verdict.action is Action.ACCEPT:
            return left
    return ""


def _left(answer: str, doubts: list[tuple[int, int]]) -> str:
    sentences = split(answer)
    starts = [sentence.start for sentence in sentences]
    # Each sentence takes the white space after it along.
    pieces = zip(sentences, [*starts[1:], len(answer)], strict=True)
    return "".join(
        answer[sentence.start : end]
        for sentence, end in pieces
        if not any(a < sentence.end and sentence.start < b for a, b in doubts)
    )


def _texts(found: object) -> tuple[str, ...]:
    if found is None:
        return ()
    if isinstance(found, str) or hasattr(found, "page_content"):
        return (_text(found),)
    return tuple(_text(passage) for passage in cast("Iterable[object]", found))


def _text(passage: object) -> str:
    text = getattr(passage, "page_content", passage)
    if isinstance(text, str):
        return text
    kind = type(passage).__name__
    error = TypeError(f"the metadata must hold texts or documents, got {kind}")
    error.add_note('give them so: guard.validate(answer, metadata={"context": [text, ...]})')
    raise error


def _spans(verdict: Verdict, policy: Policy) -> list[ErrorSpan]:
    length = len(verdict.exchange.answer)
    spans: list[ErrorSpan] = []
    for name in policy.exceeded(verdict.findings):
        evidence = verdict.findings[name].evidence
        for e in evidence:
            start, end = (e.span.start, e.span.end) if e.span else (0, length)
            spans.append(ErrorSpan(start=start, end=end, reason=f"{name}: {e.reason}"))
        if not evidence:
            spans.append(ErrorSpan(start=0, end=length, reason=f"{name}: the answer as a whole"))
    for failure in policy.blocking(verdict.unexamined):
        reason = f"unexamined by {failure.detector}: {failure.reason}"
        spans.append(ErrorSpan(start=0, end=length, reason=reason))
    return spans


def _message(verdict: Verdict, policy: Policy) -> str:
    answer, length = verdict.exchange.answer, len(verdict.exchange.answer)
    lines = [
        f'"{answer[span.start : span.end]}": {span.reason}'
        if (span.start, span.end) != (0, length)
        else span.reason
        for span in _spans(verdict, policy)
    ]
    return "Doubtful: " + "; ".join(dict.fromkeys(lines))


def _summary(verdict: Verdict) -> dict[str, Any]:
    return {
        "action": verdict.action.value,
        "risk": verdict.risk,
        "risks": {name: finding.risk for name, finding in verdict.findings.items()},
        "unexamined": {u.detector: u.reason for u in verdict.unexamined},
    }
