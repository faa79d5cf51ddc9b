"""Sentences out of a text that is still growing, and the join of a text that was broken off."""

from __future__ import annotations

from dataclasses import dataclass

from trustlayer.sentences import split

_CLOSES_AT_ONCE = frozenset("。！？｡؟۔।॥")  # noqa: RUF001  # no blank follows these
SHORTEST_OVERLAP = 12  # characters; less is repeated by chance


@dataclass(slots=True)
class Segments:
    """Gives a sentence away once the word after it has come, whatever the chunks are.

    The white space between two sentences belongs to the second. Put together again, the
    sentences are the text.
    """

    open: str = ""

    def feed(self, chunk: str) -> list[str]:
        """Take *chunk* in; return the sentences that it completes."""
        complete: list[str] = []
        for character in chunk:
            decisive = character.isspace() or self.open[-1:] in _CLOSES_AT_ONCE
            self.open += character
            if decisive and self.open.strip():
                complete += self._first()
        return complete

    def flush(self) -> list[str]:
        """What is left; the text has ended."""
        complete: list[str] = []
        while spans := split(self.open):
            end = spans[0].end if len(spans) > 1 else len(self.open)
            complete.append(self.open[:end])
            self.open = self.open[end:]
        self.open = ""
        return complete

    def _first(self) -> list[str]:
        spans = split(self.open)
        if len(spans) < 2:
            return []
        sentence, self.open = self.open[: spans[0].end], self.open[spans[0].end :]
        return [sentence]


@dataclass(slots=True)
class Continuation:
    """Drops from a continued text what it repeats of its *prefix*, and joins the two.

    A model that is asked to go on may begin with the whole prefix or its last words. Nothing
    is given out while the text may still turn out to be such a repetition.
    """

    prefix: str
    open: str | None = ""  # None once it is decided

    def feed(self, chunk: str) -> str:
        if self.open is None:
            return chunk
        self.open += chunk
        return "" if self._undecided(self.open.lstrip()) else self.flush()

    def flush(self) -> str:
        """What is left, the repetition being over or the text having ended."""
        if self.open is None:
            return ""
        text, self.open = self.open, None
        rest = text.lstrip()
        repeated = self._repeated(rest)
        if repeated or not self.prefix:
            return rest[repeated:] if self.prefix else text
        glued = self.prefix[-1:].isspace() or text[:1].isspace() or not text
        return text if glued else f" {text}"

    def _undecided(self, begun: str) -> bool:
        if not begun:
            return bool(self.prefix)
        if len(begun) <= len(self.prefix) and self.prefix.startswith(begun):
            return True
        # The last words of the prefix may be coming.
        return len(begun) < len(self.prefix) and begun in self.prefix

    def _repeated(self, rest: str) -> int:
        if rest.startswith(self.prefix):
            return len(self.prefix)
        for length in range(min(len(rest), len(self.prefix)), SHORTEST_OVERLAP - 1, -1):
            if self.prefix.endswith(rest[:length]):
                return length
        return 0
