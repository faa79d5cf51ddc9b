"""Recognisers of the ways to reach a person: e-mail addresses and telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trustlayer.exchange import Span
from trustlayer.privacy.recognised import Recognised

REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "AT", "CH", "IN", "AU", "JP", "BR", "CN")

_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,320}\Z")
_DOMAIN = re.compile(r"@(?:[\w-]{1,63}\.){1,10}[^\W\d_][\w-]{1,62}")
_LONGEST = 320  # characters of an address that may stand before its @

_DIGITS = re.compile(
    r"(?<![\w.+-])(?:\+|\((?=\+?\d{1,5}\))\+?)?\d(?:[ \u00a0\u202f().\-/]{0,3}\d){6,17}(?![\w])"
)
_END = re.compile(r"(?<=\d)(?=[^\d]|\Z)")
_AMERICAN = re.compile(r"(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}")
_CALLED = re.compile(
    r"\b(?:tel|phone|telephone|call|mobile|cell|fax|ring|dial|whatsapp|telefon|téléphone|handy|rufnummer)"
    r"\b[^\n\d]{0,30}\Z",
    re.IGNORECASE,
)


def emails(text: str) -> Iterator[Recognised]:
    """Addresses of e-mail, in any script; from each @ back and on, in linear time."""
    for domain in _DOMAIN.finditer(text):
        at = domain.start()
        if local := _LOCAL.search(text[max(0, at - _LONGEST) : at]):
            yield Recognised("email", Span(at - len(local[0]), domain.end()))


def phones(text: str) -> Iterator[Recognised]:
    """Telephone numbers: international ones, and those that are dialled within `REGIONS`.

    A number without a form of its own counts where it is valid in one of these and begins as
    only telephone numbers do, or where the text before it speaks of calling.
    """
    at = 0
    while match := _DIGITS.search(text, at):
        at = match.end()
        called = _CALLED.search(text[max(0, match.start() - 45) : match.start()]) is not None
        ends = [end.start() for end in _END.finditer(match[0])]
        for end in reversed(ends):  # two numbers may stand together: the longest that is one
            if _phone(match[0][:end], called):
                yield Recognised("phone", Span(match.start(), match.start() + end))
                at = match.start() + end
                break


def _phone(written: str, called: bool) -> bool:
    digits = sum(c.isdigit() for c in written)
    if not 7 <= digits <= 15 or written.count("(") != written.count(")"):
        return False
    if "+" in written[:2]:
        return _possible(written)
    if written.startswith("00"):
        return _possible(f"+{written[2:]}")
    if _AMERICAN.fullmatch(written) or called:
        return True
    return written.startswith(("0", "(")) and any(_valid(written, region) for region in REGIONS)


def _possible(written: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(written))
    except phonenumbers.NumberParseException:
        return False


def _valid(written: str, region: str) -> bool:
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(written, region))
    except phonenumbers.NumberParseException:
        return False
