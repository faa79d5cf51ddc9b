"""Limits with a guarantee: what was certified, on which labels, for which detectors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from trustlayer.errors import BadCertificate, VoidCertificate

EVERYONE = ""  # the group of exchanges that are not told apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The limits certified for one group of exchanges, and the counts that they rest on.

    Of the *calibration* answers, *accepted* lie within *limits*, and *bad* of those are bad.
    *alarms* are the limits that a clean answer exceeds with no more than the certificate's
    false alarm rate; None when that was not asked for or too few clean answers were given.
    """

    limits: Mapping[str, float]
    accepted: int
    bad: int
    calibration: int
    tuning: int
    alarms: Mapping[str, float] | None = None

    @property
    def coverage(self) -> float:
        """The share of the calibration answers that the limits accept."""
        return self.accepted / self.calibration


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Certificate:
    """Of what its limits accept, at most *risk* is bad, with probability *confidence*.

    The probability is over the draw of the labelled exchanges; it holds for exchanges drawn
    like those, examined by exactly these *detectors* (versions by name), each answer being
    decided on by itself. What a loop delivers after several attempts is a selection: label
    delivered answers to have a certificate on those. *data* is the digest of the labels;
    *uncertified* says, by group, why nothing could be promised. *streamed* means that an
    answer's risk was the largest of all its beginnings, as it is met in a stream.
    """

    risk: float
    confidence: float
    detectors: Mapping[str, str]
    bounds: Mapping[str, Bound]
    data: str
    labels: int
    bad: int
    false_alarms: float | None = None
    uncertified: Mapping[str, str] = field(default_factory=dict[str, str])
    streamed: bool = False
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __repr__(self) -> str:
        return (
            f"Certificate({self.data[:19]}, risk={self.risk:g}, confidence={self.confidence:g}, "
            f"labels={self.labels}, created={self.created:%Y-%m-%d})"
        )

    def bound(self, group: str = EVERYONE) -> Bound:
        """The bound of *group*; raises VoidCertificate when it has none."""
        if group in self.bounds:
            return self.bounds[group]
        if group in self.uncertified:
            raise VoidCertificate(f"nothing is certified for {group!r}: {self.uncertified[group]}")
        known = ", ".join(map(repr, self.bounds))
        raise VoidCertificate(f"the certificate has no group {group!r}; it has {known}")

    def expect(self, detectors: Mapping[str, str], *, streamed: bool | None = None) -> None:
        """Raise VoidCertificate unless *detectors* (versions by name) are the certified ones.

        One detector more or less voids it too, and so does a stream where whole answers were
        counted, or the other way round: what is accepted would no longer be what was counted.
        """
        issued, found = _listed(self.detectors), _listed(detectors)
        if detectors != self.detectors:
            told = f"issued for {issued}, but the detectors at work are {found}"
        elif streamed is not None and streamed != self.streamed:
            kinds = ("whole answers", "streams")
            told = f"issued for {kinds[self.streamed]}, not for {kinds[streamed]}"
        else:
            return
        error = VoidCertificate(f"the certificate was {told}")
        names = " ".join(f"--detector {name}" for name in detectors)
        error.add_note(
            f"calibrate anew: trustlayer calibrate LABELS.jsonl --risk {self.risk:g} "
            f"--confidence {self.confidence:g} {names}{' --streamed' if streamed else ''}"
        )
        raise error

    def to_json(self) -> str:
        """The certificate as JSON text, for `from_json`."""
        document: dict[str, Any] = asdict(self) | {"created": self.created.isoformat(), "format": 1}
        for group, bound in self.bounds.items():
            document["bounds"][group]["coverage"] = bound.coverage  # for the reader
        return json.dumps(document, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Certificate:
        """Read what `to_json` wrote; raises BadCertificate for anything else."""
        try:
            return _certificate(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            message = f"this is no certificate: {type(error).__name__}: {error}"
            raise BadCertificate(message) from error


def _certificate(document: dict[str, Any]) -> Certificate:
    if document.pop("format") != 1:
        raise ValueError("expected format 1")
    bounds = {group: _bound(entry) for group, entry in document.pop("bounds").items()}
    created = datetime.fromisoformat(document.pop("created"))
    return Certificate(**document, bounds=bounds, created=created)


def _bound(entry: dict[str, Any]) -> Bound:
    entry.pop("coverage", None)  # follows from the counts
    bound = Bound(**entry)
    for name, limit in bound.limits.items():
        if not 0.0 <= limit <= 1.0:
            raise ValueError(f"the limit of {name} must lie in [0, 1], got {limit}")
    return bound


def _listed(detectors: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(detectors.items())) or "none"
