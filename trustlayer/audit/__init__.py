"""The audit store: what was asked, answered, found and decided, in SQL."""

from trustlayer.audit.store import AuditStore

__all__ = ["AuditStore"]
