"""Recognisers by name: found through entry points, our own like anyone's.

A third party's is a function from a text to what it recognises there, and two lines of TOML::

    [project.entry-points."trustlayer.recognisers"]
    passport = "my_package:passports"
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from trustlayer.errors import BrokenRecogniser, UnknownRecogniser
from trustlayer.privacy.recognised import Recogniser

GROUP = "trustlayer.recognisers"
BUILT_IN = ("email", "phone", "card", "iban", "ip", "secret")  # those used unless told otherwise


def available() -> tuple[str, ...]:
    """The names of all installed recognisers, sorted."""
    return tuple(sorted(_entries()))


def load(names: Iterable[str] = BUILT_IN) -> tuple[Recogniser, ...]:
    """The recognisers of those *names*; raises UnknownRecogniser or BrokenRecogniser."""
    entries = _entries()
    return tuple(_load(name, entries) for name in names)


@cache
def built_in() -> tuple[Recogniser, ...]:
    """The recognisers named in BUILT_IN."""
    return load(BUILT_IN)


def _entries() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            error = BrokenRecogniser(
                f"two packages offer a recogniser named {entry.name!r}: "
                f"{other.value} and {entry.value}"
            )
            error.add_note("uninstall one of them")
            raise error
    return found


def _load(name: str, entries: dict[str, EntryPoint]) -> Recogniser:
    if name not in entries:
        raise _unknown(name, sorted(entries))
    try:
        found: object = entries[name].load()
    except Exception as error:  # whatever a third party's module does when it is imported
        message = f"the recogniser {name!r} ({entries[name].value}) does not load: {error}"
        raise BrokenRecogniser(message) from error
    if not callable(found):
        raise BrokenRecogniser(
            f"{entries[name].value} offers {type(found).__name__} as the recogniser {name!r}; "
            "expected a function from a text to what it recognises"
        )
    return cast("Recogniser", found)


def _unknown(name: str, installed: list[str]) -> UnknownRecogniser:
    error = UnknownRecogniser(
        f"no recogniser is named {name!r}; installed: {', '.join(installed) or 'none'}"
    )
    if close := get_close_matches(name, installed, n=1):
        error.add_note(f"Did you mean {close[0]!r}?")
    return error
