"""What of a text the store keeps: all of it, all but personal data, or a keyed digest of it."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from sqlalchemy import Connection

from trustlayer.audit.digests import lookup_digest
from trustlayer.errors import StoreError
from trustlayer.exchange import Exchange, Span
from trustlayer.finding import Evidence, Finding
from trustlayer.model import Request
from trustlayer.outcome import Attempt, Outcome, Verdict
from trustlayer.privacy import Recognised, Recogniser, recognise
from trustlayer.privacy.recognised import without

VARIABLE = "TRUSTLAYER_TEXTS"  # full, redacted or hmac
KEY_VARIABLE = "TRUSTLAYER_HMAC_KEY"  # in base64
OPTION = "trustlayer_texts"  # SQLAlchemy's execution option that carries what is kept
TEMPLATE = "template"  # the correlation id that names the prompt's template: nobody's datum


class Form(StrEnum):
    """What is kept of a text."""

    FULL = "full"
    REDACTED = "redacted"
    HMAC = "hmac"


@dataclass(frozen=True, slots=True)
class Texts:
    """The *form* in which a store keeps the texts of outcomes, labels and decisions.

    REDACTED puts ``[EMAIL]``, ``[CARD]``, … in the place of what the *recognisers* find (None
    means the built-in ones), and a pseudonym in that of a caller's id in which they find
    anything. HMAC keeps nothing but HMAC-SHA256 of each text under *key*, by which equal texts
    are still seen to be equal.
    """

    form: Form = Form.FULL
    recognisers: tuple[Recogniser, ...] | None = None
    key: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        if self.form is Form.HMAC and len(self.key) < 16:
            error = StoreError("texts kept as HMAC need a key of 16 bytes or more")
            error.add_note(f'export {KEY_VARIABLE}="$(openssl rand -base64 32)"')
            raise error

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """What TRUSTLAYER_TEXTS and TRUSTLAYER_HMAC_KEY say; raises StoreError."""
        found = os.environ if environment is None else environment
        form = found.get(VARIABLE) or Form.FULL.value
        if form not in list(Form):
            raise StoreError(f"{VARIABLE} must be {' or '.join(Form)}, got {form!r}")
        try:
            key = base64.b64decode(found.get(KEY_VARIABLE, ""))
        except (ValueError, binascii.Error):
            raise StoreError(f"{KEY_VARIABLE} must be a key in base64, it is not") from None
        return cls(Form(form), None, key)

    @property
    def column(self) -> str | None:
        """As the row of an outcome says it: null for texts in full."""
        return None if self.form is Form.FULL else self.form.value

    def text(self, text: str) -> str:
        """What is kept of *text*."""
        return self.found(text)[0]

    def found(self, text: str) -> tuple[str, tuple[Recognised, ...]]:
        """What is kept of *text*, and what was taken out of it."""
        if self.form is Form.FULL or not text:
            return text, ()
        if self.form is Form.HMAC:
            return _hmac(text, self.key), ()
        found = recognise(text, self.recognisers)
        return without(text, found), found

    def value(self, value: str) -> str:
        """What is kept of a caller's id."""
        if self.form is not Form.REDACTED or not recognise(value, self.recognisers):
            return self.text(value)
        return _pseudonym(value, self.key)

    def lookups(self, name: str, value: str) -> list[bytes]:
        """By which a caller's id may be found, in whichever form it was kept."""
        kept = {value, _pseudonym(value, self.key), _pseudonym(value, b"")}
        if self.key:
            kept.add(_hmac(value, self.key))
        return sorted(lookup_digest(name, form) for form in kept)

    def kept(self, outcome: Outcome) -> Outcome:
        """*outcome* as it is kept; spans of evidence point to the same stretches as before."""
        return outcome if self.form is Form.FULL else _Keeper(self).outcome(outcome)


def texts_of(connection: Connection) -> Texts:
    """In which form the store of *connection* keeps texts."""
    texts = connection.get_execution_options().get(OPTION)
    return texts if isinstance(texts, Texts) else Texts()


@dataclass(frozen=True, slots=True)
class _Keeper:
    # Puts an outcome together anew; each text is looked through once.
    texts: Texts
    known: dict[str, tuple[str, tuple[Recognised, ...]]] = field(
        default_factory=dict[str, tuple[str, tuple[Recognised, ...]]]
    )

    def outcome(self, outcome: Outcome) -> Outcome:
        return replace(
            outcome,
            prompt=self._text(outcome.prompt),
            context=self._all(outcome.context),
            attempts=tuple(map(self._attempt, outcome.attempts)),
            correlation={
                name: value if name == TEMPLATE else self.texts.value(value)
                for name, value in outcome.correlation.items()
            },
            interrupted=self._maybe(outcome.interrupted),
        )

    def _attempt(self, attempt: Attempt) -> Attempt:
        asked = attempt.request
        request = Request(
            self._text(asked.prompt),
            self._all(asked.context),
            self._text(asked.draft),
            self._text(asked.advice),
            self._text(asked.prefix),
        )
        verdict = attempt.verdict and self._verdict(attempt.verdict)
        return replace(attempt, request=request, verdict=verdict, error=self._maybe(attempt.error))

    def _verdict(self, verdict: Verdict) -> Verdict:
        _, found = self._found(verdict.exchange.answer)
        return replace(
            verdict,
            exchange=self._exchange(verdict.exchange),
            findings={n: self._finding(f, found) for n, f in verdict.findings.items()},
            unexamined=tuple(replace(u, reason=self._text(u.reason)) for u in verdict.unexamined),
        )

    def _exchange(self, said: Exchange) -> Exchange:
        # What of a token is personal data only its neighbours tell: none is kept.
        return replace(
            said,
            prompt=self._text(said.prompt),
            answer=self._text(said.answer),
            context=self._all(said.context),
            samples=self._all(said.samples),
            tokens=tuple(replace(token, text="") for token in said.tokens),
        )

    def _finding(self, finding: Finding, found: tuple[Recognised, ...]) -> Finding:
        doubts = [
            Evidence(self._text(e.reason), e.span and _moved(e.span, found))
            for e in finding.evidence
        ]
        return replace(finding, evidence=tuple(doubts))

    def _found(self, text: str) -> tuple[str, tuple[Recognised, ...]]:
        if text not in self.known:
            self.known[text] = self.texts.found(text)
        return self.known[text]

    def _text(self, text: str) -> str:
        return self._found(text)[0]

    def _all(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(self._text, texts))

    def _maybe(self, text: str | None) -> str | None:
        return None if text is None else self._text(text)


def _moved(span: Span, found: tuple[Recognised, ...]) -> Span:
    return Span(_place(span.start, found, 0), _place(span.end, found, 1))


def _place(at: int, found: tuple[Recognised, ...], end: int) -> int:
    # Where the character at *at* went; one that was taken out, to an end of what took its place.
    shift = 0
    for one in found:
        length = len(one.mark)
        if at >= one.span.end:
            shift += length - (one.span.end - one.span.start)
        elif at > one.span.start:
            return one.span.start + shift + end * length
        else:
            break
    return at + shift


def _hmac(text: str, key: bytes) -> str:
    return f"hmac:{hmac.new(key, text.encode('utf-8', 'surrogatepass'), 'sha256').hexdigest()}"


def _pseudonym(value: str, key: bytes) -> str:
    data = b"pseudonym\0" + value.encode("utf-8", "surrogatepass")
    return f"[redacted:{hmac.new(key, data, 'sha256').hexdigest()}]"
