"""Detectors as names and options, so that other processes can make the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trustlayer.finding import Detector
from trustlayer.outcome import DetectorRecord
from trustlayer.registry import load


@dataclass(frozen=True, slots=True)
class Recipe:
    """The detector of that *name*, made with *options* that JSON can carry."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def made(self) -> Detector:
        """Raises what `trustlayer.load` raises."""
        return load(self.name, **self.options)


def recipes(names: Sequence[str]) -> tuple[Recipe, ...]:
    """The detectors of those *names* with their default options, each once."""
    return tuple(Recipe(name) for name in dict.fromkeys(names))


def recorded(detectors: Sequence[Detector]) -> tuple[DetectorRecord, ...]:
    """What tells one detector from another, or from a later version of itself."""
    return tuple(
        DetectorRecord(
            detector.name,
            str(getattr(detector, "version", "0")),
            repr(detector),
            getattr(detector, "limit", None),
        )
        for detector in detectors
    )
