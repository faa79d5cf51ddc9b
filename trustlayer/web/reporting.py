"""The reports by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from trustlayer.audit import AuditStore, reports

Made = Callable[[AuditStore, datetime | None], Sequence[Any]]  # rows: frozen dataclasses

REPORTS: Mapping[str, Made] = {
    "totals": lambda store, since: [reports.totals(store, since)],
    "gains": lambda store, since: [reports.gains(store, since)],
    "by_action": reports.by_action,
    "by_detector": reports.by_detector,
    "by_model": reports.by_model,
    "over_time": reports.over_time,
}
