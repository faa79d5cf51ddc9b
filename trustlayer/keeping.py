"""Which sentences of an answer are in doubt, and what a revision did to the others."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from trustlayer.exchange import Span
from trustlayer.outcome import Verdict
from trustlayer.passages import words
from trustlayer.policy import Policy
from trustlayer.sentences import split

SAME = 0.7  # the share of a sentence's words that one sentence has to hold to stand for it

MANY = 200  # sentences; of more, none is looked for in other words
_NUMBER = re.compile(r"^[ \t]*\[(\d+)\]", re.MULTILINE)


def doubtful(verdict: Verdict, policy: Policy) -> tuple[list[Span], list[Span]]:
    """The sentences that evidence above a limit points to, and the others.

    Evidence on the answer as a whole, or none at all, puts every sentence in doubt.
    """
    spans = split(verdict.exchange.answer)
    marked: list[Span] = []
    for name in policy.exceeded(verdict.findings):
        evidence = verdict.findings[name].evidence
        if not evidence or any(e.span is None for e in evidence):
            return spans, []
        marked += [e.span for e in evidence if e.span is not None]
    in_doubt = list(_met(spans, sorted(marked)))
    return (
        [span for span, doubt in zip(spans, in_doubt, strict=True) if doubt],
        [span for span, doubt in zip(spans, in_doubt, strict=True) if not doubt],
    )


def lost(before: Verdict, after: Verdict, policy: Policy) -> list[str]:
    """The sentences that passed before and are gone, or in doubt, now."""
    _, passed = doubtful(before, policy)
    _, sound = doubtful(after, policy)
    present = {frozenset(words(text)) for text in _texts(after, sound)}
    gone = [text for text in _texts(before, passed) if frozenset(words(text)) not in present]
    if len(gone) > MANY or len(present) > MANY:
        return gone
    return [text for text in gone if not _stands(frozenset(words(text)), present)]


def cut(verdict: Verdict, policy: Policy) -> str:
    """The answer without its doubtful sentences; raises LookupError when that is none of it."""
    in_doubt, passed = doubtful(verdict, policy)
    if not passed or not in_doubt:
        raise LookupError("no part of the answer can be cut out to leave a sound one")
    return _replaced(verdict.exchange.answer, in_doubt, [""] * len(in_doubt))


def spliced(verdict: Verdict, policy: Policy, reply: str) -> str:
    """The answer with its doubtful sentences rewritten as *reply* says, the rest verbatim.

    *reply* gives them by number, ``[1] …``, or else the whole answer with nothing but them
    changed. Raises ValueError when something else was changed.
    """
    answer = verdict.exchange.answer
    in_doubt, passed = doubtful(verdict, policy)
    _, *numbered = _NUMBER.split(reply)
    if list(map(int, numbered[::2])) == list(range(1, len(in_doubt) + 1)):
        return _replaced(answer, in_doubt, [text.strip() for text in numbered[1::2]])
    changed = next((text for text in _texts(verdict, passed) if text not in reply), None)
    if changed is not None:
        raise ValueError(f"the repair changed what it had to keep: {changed[:80]!r}")
    return reply


def _replaced(answer: str, spans: Sequence[Span], texts: Sequence[str]) -> str:
    parts: list[str] = []
    end = 0
    for span, text in zip(spans, texts, strict=True):
        between = answer[end : span.start]
        parts += [between if text else between.rstrip(" "), text]
        end = span.end
    return "".join([*parts, answer[end:]]).strip()


def _texts(verdict: Verdict, spans: Sequence[Span]) -> list[str]:
    return [span.of(verdict.exchange.answer) for span in spans]


def _stands(wanted: frozenset[str], present: Iterable[frozenset[str]]) -> bool:
    return not wanted or any(len(wanted & found) >= SAME * len(wanted) for found in present)


def _met(spans: Sequence[Span], marks: Sequence[Span]) -> Iterator[bool]:
    """Whether each of *spans* meets one of *marks*; both in order, the spans apart."""
    waiting = deque(marks)
    reach = -1  # how far the marks that began before reach
    for span in spans:
        while waiting and waiting[0].start < span.end:
            reach = max(reach, waiting.popleft().end)
        yield reach > span.start
