"""What a query asks for: searches and times, as pages and REST both read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from trustlayer.audit.searching import Search
from trustlayer.policy import Action
from trustlayer.web.problems import Problem

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
FIELDS = ("text", "model", "action", "detector", "risk_from", "risk_to", "since", "until")
LAST = 2**62  # above every number of an outcome


def search_of(fields: Mapping[str, str]) -> Search:
    """The search that *fields* name; raises Problem for what cannot be read."""
    return Search(
        text=fields.get("text", "")[:500],
        model=fields.get("model", "")[:200],
        action=_action(fields.get("action", "")),
        detector=fields.get("detector", "")[:200],
        risk_from=_risk("risk_from", fields.get("risk_from", "")),
        risk_to=_risk("risk_to", fields.get("risk_to", "")),
        since=moment_of("since", fields.get("since", "")),
        until=moment_of("until", fields.get("until", "")),
    )


def moment_of(name: str, text: str) -> datetime | None:
    """The time named by ``7d`` (ago; also m, h, w) or by an ISO date, UTC by default."""
    if not (wanted := text.strip()):
        return None
    if found := re.fullmatch(r"([0-9]{1,5})([mhdw])", wanted):
        return datetime.now(UTC) - timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    try:
        time = datetime.fromisoformat(wanted.replace(" ", "+") if "T" in wanted else wanted)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        expected = "a time ago like 90m, 12h, 7d or 4w, or a date like 2026-01-31"
        raise Problem(422, f"{name}: expected {expected}") from error


def cursor_of(text: str) -> int | None:
    """Where the next page begins; raises Problem."""
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) > LAST:
        raise Problem(422, "after: expected the cursor that the page before gave")
    return int(text)


def _action(text: str) -> Action | None:
    try:
        return Action(text) if text else None
    except ValueError as error:
        raise Problem(422, f"action: expected one of {', '.join(Action)}") from error


def _risk(name: str, text: str) -> float | None:
    if not text.strip():
        return None
    try:
        risk = float(text)
    except ValueError:
        risk = -1.0
    if not 0.0 <= risk <= 1.0:
        raise Problem(422, f"{name}: expected a risk from 0 to 1")
    return risk
