"""Detectors by name: found through entry points, our own like anyone's."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from trustlayer.errors import BrokenDetector, DetectorClash, UnknownDetector
from trustlayer.finding import Detector

GROUP = "trustlayer.detectors"


def available() -> tuple[str, ...]:
    """The names of all installed detectors, sorted; raises DetectorClash."""
    return tuple(sorted(_entries()))


def load(name: str, **options: Any) -> Detector:
    """Make the detector of that *name*; *options* go to it when it is a class.

    Raises UnknownDetector, DetectorClash, or BrokenDetector when its package cannot be
    imported or gives something else than a detector.
    """
    entries = _entries()
    if name not in entries:
        raise _unknown(name, sorted(entries))
    entry = entries[name]
    try:
        found: object = entry.load()
        made = found(**options) if isinstance(found, type) else found
    except Exception as error:  # whatever a third party's module does when it is imported
        message = f"the detector {name!r} ({entry.value}) does not load: {error}"
        raise BrokenDetector(message) from error
    if not isinstance(made, Detector):
        raise BrokenDetector(
            f"{entry.value} offers {type(made).__name__} as the detector {name!r}; "
            "expected an object with a name and examine(exchanges)"
        )
    return made


def _entries() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        other = found.setdefault(entry.name, entry)
        if _who(other) != _who(entry):
            raise _clash(other, entry)
    return found


def _who(entry: EntryPoint) -> tuple[str, str]:
    # One package may be seen twice on the path, as in an editable install: no clash.
    return (entry.dist.name if entry.dist else "?", entry.value)


def _clash(one: EntryPoint, other: EntryPoint) -> DetectorClash:
    packages = f"{_who(one)[0]} ({one.value}) and {_who(other)[0]} ({other.value})"
    error = DetectorClash(f"two packages offer a detector named {one.name!r}: {packages}")
    error.add_note(f"uninstall one of them, e.g.: pip uninstall {_who(other)[0]}")
    return error


def _unknown(name: str, installed: list[str]) -> UnknownDetector:
    error = UnknownDetector(
        f"no detector is named {name!r}; installed: {', '.join(installed) or 'none'}"
    )
    if close := get_close_matches(name, installed, n=1):
        error.add_note(f"Did you mean {close[0]!r}?")
    return error
