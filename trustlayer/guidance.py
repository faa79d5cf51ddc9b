"""From what was found to the request for a better answer."""

from __future__ import annotations

from collections.abc import Sequence

from trustlayer.exchange import Exchange, Span
from trustlayer.finding import Evidence
from trustlayer.keeping import doubtful
from trustlayer.model import Request
from trustlayer.outcome import Verdict
from trustlayer.passages import nearest
from trustlayer.policy import Policy, Strategy
from trustlayer.sentences import split

MAX_DOUBTS = 12  # beyond that a list drowns the model rather than guiding it

_TASK = (
    "Write the answer again. Keep what is right, and word for word where you can. Correct or "
    "leave out what is doubtful. State only what the given passages support; where they do not "
    "hold the answer, say so. Give the answer alone, without a word on this correction."
)

_REPAIR = (
    "Rewrite the following sentences of it, and nothing else. State only what the given passages "
    "support; where they do not hold the answer, say so. Give each sentence on a line of its own, "
    "behind its number in square brackets, and nothing besides."
)

_BEGUN = "The reader has already been given the beginning of the answer:\n\n{prefix}"
_REST = (
    "Write the rest of the answer, so that it follows directly on that beginning, without "
    "repeating any of it. State only what the given passages support; where they tell no more, "
    "say only that. Give the rest alone."
)


def guide(
    verdict: Verdict,
    policy: Policy,
    strategy: Strategy = Strategy.REVISE,
    missing: Sequence[str] = (),
) -> Request:
    """Ask for the answer of *verdict* again, with every doubtful span and reason spelled out.

    *missing* are sentences that passed and that a revision has lost.
    """
    exchange = verdict.exchange
    if strategy is Strategy.RETRY:
        return Request(exchange.prompt, exchange.context)
    parts = [f"An earlier answer was:\n\n{exchange.answer}"]
    if doubts := _doubts(verdict, policy):
        parts.append(f"Doubtful in it:\n{_listed(doubts)}")
    if missing:
        parts.append(f"Right, and not to be lost:\n{_listed(missing)}")
    parts.append(_repair(verdict, policy) if strategy is Strategy.REPAIR else _TASK)
    advice = "\n\n".join(parts)
    return Request(exchange.prompt, exchange.context, draft=exchange.answer, advice=advice)


def _repair(verdict: Verdict, policy: Policy) -> str:
    in_doubt, _ = doubtful(verdict, policy)
    texts = [span.of(verdict.exchange.answer) for span in in_doubt]
    listed = "\n".join(f"[{n}] {text}" for n, text in enumerate(texts, 1))
    return f"{_REPAIR}\n\n{listed}"


def go_on(request: Request, prefix: str, verdict: Verdict | None, policy: Policy) -> Request:
    """Ask for the rest of the answer that begins with *prefix*, avoiding what *verdict* doubts."""
    parts = [_BEGUN.format(prefix=prefix)]
    if verdict is not None and (doubts := _doubts(verdict, policy)):
        draft = verdict.exchange.answer[len(prefix) :].strip()
        parts.append(f"An earlier continuation was:\n\n{draft}")
        parts.append(f"Doubtful in it:\n{_listed(doubts)}")
    advice = "\n\n".join([*parts, _REST])
    return Request(request.prompt, request.context, advice=advice, prefix=prefix)


def _listed(texts: Sequence[str]) -> str:
    return "\n".join(f"- {text}" for text in texts[:MAX_DOUBTS])


def _doubts(verdict: Verdict, policy: Policy) -> list[str]:
    lines: list[str] = []
    for name in policy.exceeded(verdict.findings):
        evidence = verdict.findings[name].evidence
        lines += [_doubt(verdict.exchange, doubt) for doubt in evidence[:MAX_DOUBTS]]
        if not evidence:
            lines.append(f"the answer as a whole ({name})")
    return list(dict.fromkeys(lines))


def _doubt(exchange: Exchange, doubt: Evidence) -> str:
    """The doubtful stretch, the reason, and what the passages say nearest to it."""
    if doubt.span is None:
        return doubt.reason
    text = f'"{doubt.span.of(exchange.answer)}": {doubt.reason}'
    passage = nearest(_around(exchange.answer, doubt.span), exchange.context)
    return text if passage is None else f'{text} (the nearest passage says: "{passage}")'


def _around(answer: str, span: Span) -> str:
    """The sentences that *span* lies in: by itself it may hold too few words to compare."""
    touched = [s for s in split(answer) if s.start < span.end and span.start < s.end]
    return " ".join(s.of(answer) for s in touched) or span.of(answer)
