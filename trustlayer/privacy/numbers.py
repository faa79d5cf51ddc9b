"""Recognisers of numbers that have a form of their own: cards, accounts, addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from trustlayer.exchange import Span
from trustlayer.privacy.recognised import Recognised

_GAP = "[ \u00a0\u202f.-]?"
_CARDS = [  # looked for from every digit that begins a group, so that none hides another
    re.compile(rf"(?<!\d)(?=({form})(?!\d))")
    for form in (
        r"\d{13,19}",
        rf"\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}",
        rf"\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{3}}",
        rf"\d{{4}}{_GAP}\d{{6}}{_GAP}\d{{4,5}}",
    )
]
_IBAN = re.compile(rf"(?<![^\W_])(?=([A-Za-z]{{2}}\d\d(?:{_GAP}[A-Za-z0-9]){{11,30}}))")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)")
_IPV6 = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,8}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4})"
)

# The length of an IBAN by country, as in the registry of ISO 13616.
_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL SD FK",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK MN",
        21: "CH CR HR LI LV",
        22: "BG BH DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM TL SO",
        24: "AD CZ ES MD PK RO SA SE SK TN VG YE",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}


def cards(text: str) -> Iterator[Recognised]:
    """Numbers of payment cards: 13 to 19 digits, the last as Luhn's formula asks for."""
    for form in _CARDS:
        for match in form.finditer(text):
            if _luhn(match[1]):
                yield Recognised("card", Span(*match.span(1)))


def ibans(text: str) -> Iterator[Recognised]:
    """Numbers of bank accounts, of their country's length and divisible as ISO 7064 asks for."""
    for match in _IBAN.finditer(text):
        length = _LENGTHS.get(match[1][:2].upper(), 0)
        found = re.match(rf"(?:[A-Za-z0-9]{_GAP}){{{length - 1}}}[A-Za-z0-9]", match[1])
        if length and found and _remainder(found[0]) == 1:
            start = match.start(1)
            yield Recognised("iban", Span(start, start + found.end()))


def ips(text: str) -> Iterator[Recognised]:
    """Addresses of the internet protocol, of either version."""
    for form in (_IPV4, _IPV6):
        for match in form.finditer(text):
            if len(match[0]) > 2 and _address(match[0]):
                yield Recognised("ip", Span(*match.span()))


def _luhn(written: str) -> bool:
    digits = [int(c) for c in written if c.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 2 <= digits[0] <= 6 and (sum(doubled) + sum(digits[-1::-2])) % 10 == 0


def _remainder(written: str) -> int:
    iban = "".join(c for c in written if c.isalnum())
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97


def _address(written: str) -> bool:
    try:
        ipaddress.ip_address(written)
    except ValueError:
        return False
    return True
