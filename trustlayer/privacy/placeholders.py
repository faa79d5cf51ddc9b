"""What stands for personal data while a text is away: ``[EMAIL_1]``, ``[PHONE_2]``.

A `Ledger` gives each value a placeholder, the same one wherever it stands, whatever its case and
white space; `Restoring` puts the values back, also into a text that comes in pieces.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from trustlayer.exchange import Exchange, Span
from trustlayer.finding import Evidence, Finding, detector
from trustlayer.privacy.recognised import Recognised, Recogniser, recognise

# As models write them: other case, a blank, the bars of Markdown escaped.
PLACEHOLDER = re.compile(r"\\?\[\s?([A-Za-z]{2,20})(?:\\?_|[ -])(\d{1,6})\s?\\?\]")
_BEGUN = re.compile(r"\\?(?:\[(?:\s?(?:[A-Za-z]{1,20}(?:(?:\\?_|[ -])\d{0,6}\s?\\?|\\)?)?)?)?\Z")
_NUMBERS = frozenset({"phone", "card", "iban"})  # kinds that are written with separators, or not
_SEPARATORS = "-.()/"
_LITERAL = "literal"  # a text of the user's that looks like a placeholder


def normal(text: str, kind: str = "") -> str:
    """*text* without what differs between two writings of one value: case, blanks, separators."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    left_out = _SEPARATORS if kind in _NUMBERS else ""
    return "".join(c for c in folded if not c.isspace() and c not in left_out)


@dataclass(slots=True, repr=False)
class Ledger:
    """The values of one conversation and what stands for them; never shown, never kept."""

    recognisers: Sequence[Recogniser] | None = None
    _of: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    _values: dict[str, str] = field(default_factory=dict[str, str])
    _counts: dict[str, int] = field(default_factory=dict[str, int])

    def __repr__(self) -> str:
        return f"Ledger({len(self._values)} values)"

    def note(self, text: str) -> None:
        """Give every value that is recognised in *text* its placeholder, in their order."""
        for found in self._found(text):
            self._placeholder(found.kind, found.of(text))

    def sealed(self, text: str) -> str:
        """*text* with placeholders for all that was noted, however it is written."""
        parts, last = list[str](), 0
        for found in self._found(text):
            parts += [text[last : found.span.start], self._placeholder(found.kind, found.of(text))]
            last = found.span.end
        return self._variants("".join([*parts, text[last:]]))

    def _variants(self, text: str) -> str:
        """*text* without the other writings of what was noted, which nobody recognised."""
        for kind, value in sorted(self._of, key=lambda key: -len(key[1])):
            if kind != _LITERAL and value in normal(text, kind):
                text = _replaced(text, _pattern(value, kind), self._of[kind, value])
        return text

    def holds(self, text: str) -> str | None:
        """The kind of a noted value that *text*, which is to leave, still holds; None if none."""
        bare = PLACEHOLDER.sub(" | ", text)
        forms = {kind: normal(bare, kind) for kind, _ in self._of}
        held = (kind for kind, value in self._of if kind != _LITERAL and value in forms[kind])
        return next(held, None)

    def leak(self, text: str) -> str | None:
        """The kind of any value that *text*, which is to leave, still holds; None if none."""
        if (kind := self.holds(text)) is not None:
            return kind
        found = recognise(text, self.recognisers)
        return next((one.kind for one in found if not PLACEHOLDER.search(one.of(text))), None)

    def value(self, kind: str, number: str) -> str | None:
        """What the placeholder stands for; None if the model has invented it."""
        return self._values.get(f"[{kind.upper()}_{int(number)}]")

    def _found(self, text: str) -> Iterator[Recognised]:
        literal = [
            Recognised(_LITERAL, Span(*match.span())) for match in PLACEHOLDER.finditer(text)
        ]
        found = [*literal, *recognise(text, self.recognisers)]
        last = 0
        for one in sorted(found, key=lambda f: (f.span.start, -f.span.end)):
            if one.span.start >= last:
                yield one
                last = one.span.end

    def _placeholder(self, kind: str, value: str) -> str:
        key = (kind, normal(value, kind))
        if key not in self._of:
            name = re.sub(r"[^A-Z]", "", kind.upper())[:20].ljust(2, "X")
            self._counts[name] = self._counts.get(name, 0) + 1
            self._of[key] = f"[{name}_{self._counts[name]}]"
            self._values[self._of[key]] = value
        return self._of[key]


def _replaced(text: str, pattern: re.Pattern[str], placeholder: str) -> str:
    """*text* with *placeholder* for what fits *pattern*, outside of other placeholders."""
    parts, last = list[str](), 0
    for other in PLACEHOLDER.finditer(text):
        parts += [pattern.sub(placeholder, text[last : other.start()]), other[0]]
        last = other.end()
    return "".join([*parts, pattern.sub(placeholder, text[last:])])


def _pattern(value: str, kind: str) -> re.Pattern[str]:
    """Every writing of the normal form *value*, not inside of a longer word or number."""
    between = rf"[\s{re.escape(_SEPARATORS)}]*" if kind in _NUMBERS else r"\s*"
    return re.compile(rf"(?<!\w){between.join(map(re.escape, value))}(?!\w)", re.IGNORECASE)


@dataclass(slots=True, repr=False)
class Restoring:
    """Puts values back in the place of their placeholders, in a text that comes in pieces.

    What may still become a placeholder is held back. With *quoted*, the text is JSON, and
    values go into its strings. *invented* are the placeholders that stand for nothing, by
    their places in the text that was given out.
    """

    ledger: Ledger
    quoted: bool = False
    invented: list[tuple[str, Span]] = field(default_factory=list[tuple[str, Span]])
    _open: str = ""
    _given: int = 0

    @property
    def begun(self) -> bool:
        """Whether there has been anything but blanks."""
        return bool(self._given or self._open.strip())

    def feed(self, piece: str) -> str:
        """Take *piece* in; return what can be given out."""
        self._open += piece
        begun = _BEGUN.search(self._open)
        cut = len(self._open) if begun is None else begun.start()
        ready, self._open = self._open[:cut], self._open[cut:]
        return self._restored(ready)

    def flush(self) -> str:
        """What is left; the text has ended."""
        ready, self._open = self._open, ""
        return self._restored(ready)

    def whole(self, text: str) -> str:
        """*text*, which comes in one piece."""
        return self.feed(text) + self.flush()

    def _restored(self, text: str) -> str:
        out, last, length = list[str](), 0, self._given
        for match in PLACEHOLDER.finditer(text):
            value = self.ledger.value(match[1], match[2])
            between = text[last : match.start()]
            shown = match[0] if value is None else self._written(value)
            length += len(between)
            if value is None:
                self.invented.append((shown, Span(length, length + len(shown))))
            length += len(shown)
            out += [between, shown]
            last = match.end()
        self._given = length + len(text) - last
        return "".join([*out, text[last:]])

    def _written(self, value: str) -> str:
        return json.dumps(value, ensure_ascii=False)[1:-1] if self.quoted else value


@detector
def placeholders(exchange: Exchange) -> Finding:
    """Find placeholders in an answer that stand for nothing: their model has invented them."""
    given = "\n".join([exchange.prompt, *exchange.context])
    known = {match[0] for match in PLACEHOLDER.finditer(given)}
    spans = [
        Span(*match.span())
        for match in PLACEHOLDER.finditer(exchange.answer)
        if match[0] not in known
    ]
    reason = "the model has invented this placeholder: it stands for nothing that it was given"
    return Finding(float(bool(spans)), tuple(Evidence(reason, span) for span in spans))
