"""The audit store as the commands use it; SQLAlchemy is imported only when one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlayer.errors import StoreUnavailable

if TYPE_CHECKING:
    from trustlayer.audit import AuditStore


def for_recording(url: str) -> AuditStore:
    """The store at *url*, made where there is none; an older one is not upgraded unasked."""
    from trustlayer.audit import AuditStore, schema

    try:
        if schema.state(url).standing is schema.Standing.NONE:
            return AuditStore.create(url)
    except StoreUnavailable:
        pass  # the same again from `open`, unless there is a spool
    return AuditStore.open(url)


def for_reading(url: str) -> AuditStore:
    from trustlayer.audit import AuditStore

    return AuditStore.open(url)


def shown(url: str) -> str:
    """The *url* without its password."""
    from trustlayer.audit.databases import masked

    return masked(url)
