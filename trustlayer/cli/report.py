"""``trustlayer report``: what the audit store tells of many outcomes."""

from __future__ import annotations

import io
import re
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustlayer.cli._options import DEFAULT_DB, Database, option
from trustlayer.cli._store import for_reading, shown
from trustlayer.cli._terminal import examples, out, say
from trustlayer.errors import StoreError

if TYPE_CHECKING:
    from trustlayer.audit import AuditStore
    from trustlayer.audit.scope import Scope
    from trustlayer.reporting import Book

EPILOG = examples(
    "trustlayer report",
    "trustlayer report --since 7d --model gpt-small",
    "trustlayer report --since 2026-01-31 --until 2026-03-01 --format html -o report.html",
    "trustlayer report --format json | jq .bad_rates",
    "trustlayer report --format csv > report.csv",
    codes="0 reported, also when there is nothing yet; 1 could not run; 2 wrong usage",
)
MANY = 20_000  # entries that are not summarised yet: worth doing before all reports read them
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


class Format(StrEnum):
    """How it is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


class Period(StrEnum):
    """By what time is divided."""

    AUTO = "auto"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def since_time(text: str, name: str = "--since") -> datetime:
    """The time named by ``7d`` (ago; also m, h, w) or by an ISO date, UTC by default."""
    if found := re.fullmatch(r"(\d{1,5})([mhdw])", text.strip()):
        ago = timedelta(seconds=int(found[1]) * _UNITS[found[2]])
        return datetime.now(UTC) - ago
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise typer.BadParameter(
            f"{name} {text}: expected a time ago like 90m, 12h, 7d or 4w, or a date like 2026-01-31"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def scope_of(
    since: str | None, until: str | None, detector: str | None = None, model: str | None = None
) -> Scope:
    """The scope that the options name."""
    from trustlayer.audit.scope import Scope

    start = None if since is None else since_time(since)
    end = None if until is None else since_time(until, "--until")
    if start is not None and end is not None and start >= end:
        raise typer.BadParameter(f"--since {since} must lie before --until {until}")
    return Scope(since=start, until=end, detector=detector, model=model)


def report(
    since: Annotated[
        str | None, option(metavar="WHEN", help="Only later outcomes: 90m, 12h, 7d, 4w, a date.")
    ] = None,
    until: Annotated[
        str | None, option(metavar="WHEN", help="Only earlier outcomes; the same forms.")
    ] = None,
    detector: Annotated[
        str | None, option(metavar="NAME", help="Of findings and calibration, only this one's.")
    ] = None,
    model: Annotated[
        str | None, option(metavar="NAME", help="Only this model's attempts and last answers.")
    ] = None,
    every: Annotated[Period, option(help="By what time is divided.")] = Period.AUTO,
    tolerated: Annotated[
        float,
        option(min=0.0001, max=0.9999, help="Share of bad answers that raises no alarm."),
    ] = 0.05,
    format: Annotated[Format, option(help="How to print it.")] = Format.TABLE,
    output: Annotated[
        Path | None, option("--output", "-o", metavar="FILE", help="Write it here instead.")
    ] = None,
    db: Database = DEFAULT_DB,
) -> None:
    """Report on the recorded outcomes: what became of them, how good, how fast, at what cost."""
    from trustlayer.audit.outcome_reports import Every
    from trustlayer.reporting import gather

    scope = scope_of(since, until, detector, model)
    period = None if every is Period.AUTO else Every(every.value)
    with for_reading(db) as store:
        _summarise(store)
        book = gather(store, scope, every=period, tolerated=tolerated)
    _print(book, shown(db), format, output)


def _summarise(store: AuditStore) -> None:
    from trustlayer.audit import summaries

    if summaries.missing(store) < MANY:
        return
    try:
        summaries.summarise(store)
    except StoreError as error:  # whoever may only read can wait for it
        say(f"{error}; the reports take longer without the sums by day", "note")


def _print(book: Book, source: str, format: Format, output: Path | None) -> None:
    from trustlayer.cli._tables import report_view
    from trustlayer.reporting import render
    from trustlayer.reporting.plain import as_csv, as_json

    if format is Format.TABLE:
        if output is None:
            for view in report_view(book, source):
                out().print(view)
            return
        text = _without_colours(book, source)
    elif format is Format.HTML:
        text = render(book, source)
    else:
        text = as_json(book) if format is Format.JSON else as_csv(book)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, "utf-8", newline="")


def _without_colours(book: Book, source: str) -> str:
    from rich.console import Console

    from trustlayer.cli._tables import report_view

    file = io.StringIO()
    console = Console(file=file, width=120, highlight=False)
    for view in report_view(book, source):
        console.print(view)
    return file.getvalue()
