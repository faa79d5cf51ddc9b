"""From what was found to the request for a better answer."""

from __future__ import annotations

from trustlayer.model import Request
from trustlayer.outcome import Verdict
from trustlayer.policy import Policy

MAX_DOUBTS = 12  # beyond that a list drowns the model rather than guiding it

_TASK = (
    "Write the answer again. Keep what is right, and word for word where you can. Correct or "
    "leave out what is doubtful. State only what the given passages support; where they do not "
    "hold the answer, say so. Give the answer alone, without a word on this correction."
)

_BEGUN = "The reader has already been given the beginning of the answer:\n\n{prefix}"
_REST = (
    "Write the rest of the answer, so that it follows directly on that beginning, without "
    "repeating any of it. State only what the given passages support; where they tell no more, "
    "say only that. Give the rest alone."
)


def guide(verdict: Verdict, policy: Policy) -> Request:
    """Ask for the answer of *verdict* again, with every doubtful span and reason spelled out."""
    exchange = verdict.exchange
    doubts = "\n".join(f"- {doubt}" for doubt in _doubts(verdict, policy)[:MAX_DOUBTS])
    advice = f"An earlier answer was:\n\n{exchange.answer}\n\nDoubtful in it:\n{doubts}\n\n{_TASK}"
    return Request(exchange.prompt, exchange.context, draft=exchange.answer, advice=advice)


def go_on(request: Request, prefix: str, verdict: Verdict | None, policy: Policy) -> Request:
    """Ask for the rest of the answer that begins with *prefix*, avoiding what *verdict* doubts."""
    parts = [_BEGUN.format(prefix=prefix)]
    if verdict is not None and (doubts := _doubts(verdict, policy)[:MAX_DOUBTS]):
        draft = verdict.exchange.answer[len(prefix) :].strip()
        listed = "\n".join(f"- {doubt}" for doubt in doubts)
        parts.append(f"An earlier continuation was:\n\n{draft}\n\nDoubtful in it:\n{listed}")
    advice = "\n\n".join([*parts, _REST])
    return Request(request.prompt, request.context, advice=advice, prefix=prefix)


def _doubts(verdict: Verdict, policy: Policy) -> list[str]:
    lines: list[str] = []
    for name in policy.exceeded(verdict.findings):
        evidence = verdict.findings[name].evidence
        lines += [
            f'"{e.span.of(verdict.exchange.answer)}": {e.reason}' if e.span else e.reason
            for e in evidence
        ]
        if not evidence:
            lines.append(f"the answer as a whole ({name})")
    return list(dict.fromkeys(lines))
