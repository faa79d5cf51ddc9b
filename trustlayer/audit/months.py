"""Months, by which PostgreSQL parts the texts: 202611 is November 2026, in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

NONE = 0  # of texts that were erased together with all others of their month


def month_of(moment: datetime) -> int:
    """The month that *moment* lies in."""
    moment = moment.astimezone(UTC)
    return moment.year * 100 + moment.month


def after(month: int, months: int = 1) -> int:
    """The month that is so many *months* later."""
    years, rest = divmod(month // 100 * 12 + month % 100 - 1 + months, 12)
    return years * 100 + rest + 1


def end_of(month: int) -> datetime:
    """When *month* is over."""
    following = after(month)
    return datetime(following // 100, following % 100, 1, tzinfo=UTC)


def is_partition(table: str | None) -> bool:
    """Whether a table of that name is a part of the texts."""
    return re.fullmatch(r"texts_(\d{6}|erased|other)", table or "") is not None
