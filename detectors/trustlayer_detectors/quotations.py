"""Examines what an answer quotes and cites: is it there, and does it say that?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from math import prod
from typing import ClassVar

from trustlayer import Evidence, Exchange, Finding, Span, Unexamined
from trustlayer_detectors._citations import citations, labels
from trustlayer_detectors._quotes import Quote, quotes
from trustlayer_detectors._wording import Wording, pieces, plain, wording

_TERM = 2  # words: a term or scare quotes rather than someone's words
_LONG = 6  # words
_SEARCHED = 500  # quotations searched for exactly; runs of words decide about further ones
_SHOWN = 100  # pieces of evidence
_AT_MOST = 3  # quotations of one sort that add to the risk


class Sort(StrEnum):
    """What a quotation or citation turned out to be."""

    VERBATIM = "verbatim"
    KNOWN_TERM = "known term"  # a word or two that the context uses, though not together
    TERM = "term"  # scare quotes
    NAME = "name"
    ALTERED = "altered"
    PHRASE = "phrase"
    LONG = "long"
    NO_PASSAGE = "no passage"
    ONE_PASSAGE = "one passage"
    NO_AUTHOR = "no author"


# The probability that something is wrong with a quotation of this sort, from the train rows of
# tests/benchmarks/plain_detectors.py. Two kinds are set by hand: the labels there judge the
# claim, but words that are not the context's are wrong as a quotation (hence ALTERED is above
# the limit, fitted 0.18, LONG 0.31), while scare quotes claim no wording (TERM, fitted 0.44).
# No data set of ours has enough citations to fit theirs.
RISKS: dict[Sort, float] = {
    Sort.VERBATIM: 0.0,
    Sort.KNOWN_TERM: 0.2,
    Sort.TERM: 0.25,
    Sort.NAME: 0.6,
    Sort.ALTERED: 0.45,
    Sort.PHRASE: 0.45,
    Sort.LONG: 0.5,
    Sort.NO_PASSAGE: 0.8,
    Sort.ONE_PASSAGE: 0.45,
    Sort.NO_AUTHOR: 0.45,
}
_REASONS = {
    Sort.KNOWN_TERM: "the context uses these words, but not together",
    Sort.TERM: "the quoted term is not in the context",
    Sort.NAME: "the quoted name is not in the context",
    Sort.ALTERED: "not verbatim: the context words it differently",
    Sort.PHRASE: "the quoted words are not in the context",
    Sort.LONG: "the quotation is not in the context",
}


@dataclass(frozen=True, slots=True)
class Quotations:
    """Doubts quotations that the context does not hold verbatim, and citations of nothing.

    White space, case, punctuation, the style of the marks, "[…]" and inserted [words] do not
    count as differences. What the question quotes may be quoted.
    """

    name: ClassVar[str] = "quotations"
    version: ClassVar[str] = "1"
    needs: ClassVar[tuple[str, ...]] = ("context",)

    limit: float = 0.4

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        return [self._one(exchange) for exchange in exchanges]

    def _one(self, exchange: Exchange) -> Finding | Unexamined:
        if not exchange.answer.strip():
            return Unexamined(self.name, "empty answer")
        doubts = list(chain(_quoted(exchange), _cited(exchange)))
        if not doubts:
            return Finding(0.0)
        if not any(text.strip() for text in exchange.context):
            return Unexamined(self.name, "no context to compare quotations and citations with")
        return _finding(doubts)


def sorts(exchange: Exchange) -> list[str]:
    """Return the sort of every quotation and citation of the answer."""
    return [str(doubt.sort) for doubt in chain(_quoted(exchange), _cited(exchange))]


@dataclass(frozen=True, slots=True)
class _Doubt:
    sort: Sort
    span: Span
    reason: str


def _quoted(exchange: Exchange) -> Iterator[_Doubt]:
    context, question = wording(exchange.context), wording((exchange.prompt,))
    for place, quote in enumerate(quotes(exchange.answer)):
        if (parts := pieces(quote.text)) and not _restates(quote, exchange.answer):
            found = _sorted(parts, quote, context, question, exact=place < _SEARCHED)
            yield _Doubt(found, quote.span, _REASONS.get(found, ""))


def _restates(quote: Quote, answer: str) -> bool:
    # 'the answer to the question "…?" is' quotes no passage.
    before = answer[max(0, quote.span.start - 20) : quote.span.start].lower()
    return quote.text.rstrip().endswith("?") and "question" in before


def _sorted(
    parts: list[list[str]], quote: Quote, context: Wording, question: Wording, *, exact: bool
) -> Sort:
    words = plain(quote.text)
    if not exact:
        found = context.followed(parts) == 1.0 if len(words) > _TERM else context.knows(words)
        return Sort.VERBATIM if found else Sort.LONG
    if context.holds(parts) or question.holds(parts):
        return Sort.VERBATIM
    if len(words) <= _TERM:
        if context.knows(words):
            return Sort.KNOWN_TERM
        return Sort.NAME if quote.text.strip()[:1].isupper() else Sort.TERM
    if context.knows(words) or context.followed(parts) >= 0.5:
        return Sort.ALTERED
    return Sort.LONG if len(words) >= _LONG else Sort.PHRASE


def _cited(exchange: Exchange) -> Iterator[_Doubt]:
    known = labels(exchange.context)
    named = wording((*exchange.context, exchange.prompt))
    for citation in citations(exchange.answer):
        if citation.passage is None:
            if not named.knows(plain(citation.named)):
                reason = f"the context does not name {citation.named}"
                yield _Doubt(Sort.NO_AUTHOR, citation.span, reason)
        elif citation.passage not in known:
            sort = Sort.NO_PASSAGE if len(known) > 1 else Sort.ONE_PASSAGE
            reason = f"there is no passage {citation.passage}, the context has {_counted(known)}"
            yield _Doubt(sort, citation.span, reason)
        else:
            yield _Doubt(Sort.VERBATIM, citation.span, "")


def _counted(known: frozenset[int]) -> str:
    if len(known) == max(known, default=0):
        return "one passage only" if len(known) == 1 else f"{len(known)} passages"
    return f"{len(known)} passages, up to number {max(known)}"


def _finding(doubts: list[_Doubt]) -> Finding:
    counted = Counter({doubt.sort: 0 for doubt in doubts})
    for sort, _ in {(doubt.sort, doubt.span) for doubt in doubts}:
        counted[sort] += 1
    sound = prod((1 - RISKS[sort]) ** min(times, _AT_MOST) for sort, times in counted.items())
    shown = sorted((doubt for doubt in doubts if doubt.reason), key=lambda doubt: doubt.span)
    evidence = [Evidence(doubt.reason, doubt.span) for doubt in shown[:_SHOWN]]
    if len(shown) > _SHOWN:
        evidence.append(
            Evidence(f"{len(shown) - _SHOWN} more quotations or citations are in doubt")
        )
    return Finding(1 - sound, tuple(evidence))
