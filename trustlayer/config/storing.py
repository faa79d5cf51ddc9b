"""The audit store to record into; SQLAlchemy is imported only when one is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlayer.errors import StoreUnavailable

if TYPE_CHECKING:
    from trustlayer.audit import AuditStore
    from trustlayer.audit.texts import Texts


def opened(url: str, texts: Texts | None = None) -> AuditStore:
    """The store at *url*, made where there is none; an older one is not upgraded unasked.

    *texts*: see `AuditStore.open`.
    """
    from trustlayer.audit import AuditStore, schema

    try:
        if schema.state(url).standing is schema.Standing.NONE:
            return AuditStore.create(url, texts=texts)
    except StoreUnavailable:
        pass  # the same again from `open`, unless there is a spool
    return AuditStore.open(url, texts=texts)
