"""Every error that trustlayer raises on purpose, as a tree."""

from __future__ import annotations


class TrustlayerError(Exception):
    """The root of them all."""


class UnknownDetector(TrustlayerError):
    """No installed package offers a detector of that name."""


class DetectorClash(TrustlayerError):
    """Two installed packages claim one detector name."""


class BrokenDetector(TrustlayerError):
    """An entry point was found, but what it names could not be loaded as a detector."""


class UnknownRecogniser(TrustlayerError):
    """No installed package offers a recogniser of that name."""


class BrokenRecogniser(TrustlayerError):
    """An entry point was found, but what it names could not be loaded as a recogniser."""


class StoreError(TrustlayerError):
    """The audit store cannot be used as it is."""


class SchemaTooOld(StoreError):
    """The store was made by an older trustlayer and has to be upgraded first."""


class SchemaTooNew(StoreError):
    """The store was made by a newer trustlayer than the one installed."""


class NotAStore(StoreError):
    """The database is there, but no audit store is in it."""


class StoreUnavailable(StoreError):
    """The database cannot be reached, read or written."""


class UnknownOutcome(StoreError):
    """The store holds no outcome of that id."""


class UnknownHold(StoreError):
    """No legal hold of that id is in force."""


class OutcomeConflict(StoreError):
    """Another outcome is already recorded under that id."""


class MissingKey(StoreError):
    """A text is encrypted, or kept by a keyed digest, and the key to it was not given."""


class BrokenSeal(StoreError):
    """An encrypted text is not what was encrypted."""


class NotHeld(StoreError):
    """The outcome was not held for a person: there is nothing to decide."""


class AlreadyClaimed(StoreError):
    """Another reviewer is looking at the held answer."""


class AlreadyDecided(StoreError):
    """Somebody has decided on the held answer."""


class BadKey(TrustlayerError):
    """A file does not hold the key that it should, or others may read it."""


class NotSent(TrustlayerError):
    """An anchor did not get to where it was to be kept."""


class MissingExtra(TrustlayerError):
    """An optional dependency is needed and not installed."""


class Unreadable(TrustlayerError):
    """A file cannot be read at all, or not to its end."""


class BadLine(TrustlayerError):
    """A line of a JSON lines file is not what was expected."""

    def __init__(self, number: int, found: str, expected: str) -> None:
        super().__init__(number, found, expected)
        self.number = number
        self.found = found
        self.expected = expected

    def __str__(self) -> str:
        return f"line {self.number}: found {self.found}; expected {self.expected}"


class WorkerLost(TrustlayerError):
    """A process that was to examine ended before it could."""


class CannotResume(TrustlayerError):
    """What was begun cannot be continued as asked: something has changed meanwhile."""


class Uncertifiable(TrustlayerError):
    """The labels do not suffice for the guarantee that was asked for."""


class BadCertificate(TrustlayerError):
    """The text is not a certificate."""


class VoidCertificate(TrustlayerError):
    """The certificate does not speak of the detectors, or the group, at hand."""
