"""``trustlayer report``: what the audit store tells of many outcomes."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from trustlayer.cli._options import DEFAULT_DB, Database, option
from trustlayer.cli._store import for_reading, shown
from trustlayer.cli._tables import Parts, report_view
from trustlayer.cli._terminal import examples, out, visible

if TYPE_CHECKING:
    from trustlayer.audit import AuditStore

EPILOG = examples(
    "trustlayer report",
    "trustlayer report --since 7d",
    "trustlayer report --since 2026-01-31 --format json | jq .by_action",
    "trustlayer report --format csv > report.csv",
    codes="0 reported, also when there is nothing yet; 1 could not run; 2 wrong usage",
)
RECENT = 10  # outcomes that are listed one by one
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


class Format(StrEnum):
    """How it is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def since_time(text: str) -> datetime:
    """The time named by ``7d`` (ago; also m, h, w) or by an ISO date, UTC by default."""
    if found := re.fullmatch(r"(\d{1,5})([mhdw])", text.strip()):
        ago = timedelta(seconds=int(found[1]) * _UNITS[found[2]])
        return datetime.now(UTC) - ago
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise typer.BadParameter(
            f"--since {text}: expected a time ago like 90m, 12h, 7d or 4w, or a date like "
            "2026-01-31"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def report(
    since: Annotated[
        str | None, option(metavar="WHEN", help="Only later outcomes: 90m, 12h, 7d, 4w, a date.")
    ] = None,
    format: Annotated[Format, option(help="How to print it.")] = Format.TABLE,
    db: Database = DEFAULT_DB,
) -> None:
    """Report on the recorded outcomes: by action, by detector, by model, over time."""
    start = since_time(since) if since is not None else None
    with for_reading(db) as store:
        found = _parts(store, start)
    if format is Format.JSON:
        typer.echo(json.dumps(found, indent=2, default=_plain))
    elif format is Format.CSV:
        csv.writer(sys.stdout, lineterminator="\n").writerows(_cells(found))
    else:
        for view in report_view(found, shown(db)):
            out().print(view)


def _parts(store: AuditStore, since: datetime | None) -> Parts:
    from trustlayer.audit import reports

    recent = since is not None and datetime.now(UTC) - since <= timedelta(days=2)
    every = reports.Every.HOUR if recent else reports.Every.DAY
    return {
        "totals": [asdict(reports.totals(store, since))],
        "gains": [asdict(reports.gains(store, since))],
        "by_action": list(map(asdict, reports.by_action(store, since))),
        "by_detector": list(map(asdict, reports.by_detector(store, since))),
        "by_model": list(map(asdict, reports.by_model(store, since))),
        "over_time": list(map(asdict, reports.over_time(store, since, every))),
        "recent": list(map(asdict, reports.lines(store, since, limit=RECENT))),
    }


def _cells(found: Parts) -> Iterator[tuple[str, ...]]:
    """One long table: the part, the number of the row in it, the measure, its value."""
    yield ("part", "row", "measure", "value")
    for part, rows in found.items():
        for number, row in enumerate(rows, 1):
            for measure, value in row.items():
                yield (part, str(number), measure, _cell(value))


def _cell(value: object) -> str:
    if isinstance(value, str):  # of others: no spreadsheet shall take it for a formula
        text = visible(value)
        return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
    return "" if value is None else str(_plain(value) if isinstance(value, datetime) else value)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
