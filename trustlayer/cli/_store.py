"""The audit store as the commands use it; SQLAlchemy is imported only when one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlayer.config.storing import opened as for_recording

if TYPE_CHECKING:
    from trustlayer.audit import AuditStore

__all__ = ["for_reading", "for_recording", "shown"]


def for_reading(url: str) -> AuditStore:
    from trustlayer.audit import AuditStore

    return AuditStore.open(url)


def shown(url: str) -> str:
    """The *url* without its password."""
    from trustlayer.audit.databases import masked

    return masked(url)
