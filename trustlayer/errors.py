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


class MissingExtra(TrustlayerError):
    """An optional dependency is needed and not installed."""


class BadLine(TrustlayerError):
    """A line of a JSON lines file is not what was expected."""
