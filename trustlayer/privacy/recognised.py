"""Stretches of a text that are personal data or secrets, found by recognisers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from trustlayer.exchange import Span


@dataclass(frozen=True, slots=True)
class Recognised:
    """A stretch of a text, and the *kind* of datum that it is: "email", "card", "secret", …"""

    kind: str
    span: Span

    def of(self, text: str) -> str:
        """Cut this stretch out of *text*."""
        return self.span.of(text)

    @property
    def mark(self) -> str:
        """What stands in its place where it was taken out."""
        return f"[{self.kind.upper()}]"


Recogniser = Callable[[str], Iterable[Recognised]]  # anything that finds stretches in a text


def recognise(text: str, recognisers: Sequence[Recogniser] | None = None) -> tuple[Recognised, ...]:
    """What *recognisers* find in *text*, in order and disjoint; None means the built-in ones.

    Stretches that overlap become one, of the kind of the longest: nothing that any of them
    found is left outside. Whatever a recogniser raises goes on, for a text that could not be
    looked through is not one without personal data.
    """
    if recognisers is None:
        from trustlayer.privacy.registry import built_in

        recognisers = built_in()
    found = [f for recogniser in recognisers for f in recogniser(text) if f.of(text)]
    return _disjoint(sorted(found, key=lambda f: (f.span.start, -f.span.end)))


def redact(text: str, recognisers: Sequence[Recogniser] | None = None) -> str:
    """The *text* with ``[EMAIL]``, ``[CARD]``, … in the place of what is recognised in it."""
    return without(text, recognise(text, recognisers))


def without(text: str, found: Iterable[Recognised]) -> str:
    """The *text* with the marks of *found*, in order and disjoint, in their places."""
    parts, last = list[str](), 0
    for one in found:
        parts += [text[last : one.span.start], one.mark]
        last = one.span.end
    return "".join([*parts, text[last:]])


def _disjoint(found: Iterable[Recognised]) -> tuple[Recognised, ...]:
    kept = list[Recognised]()
    longest = 0  # of those that make up the last one kept
    for one in found:
        length = one.span.end - one.span.start
        if not kept or one.span.start >= kept[-1].span.end:
            kept.append(one)
            longest = length
            continue
        last = kept[-1]
        kind = one.kind if length > longest else last.kind
        longest = max(longest, length)
        kept[-1] = Recognised(kind, Span(last.span.start, max(last.span.end, one.span.end)))
    return tuple(kept)
