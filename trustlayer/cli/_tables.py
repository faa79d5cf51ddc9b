"""The reports as tables for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from trustlayer.cli._terminal import visible
from trustlayer.cli._view import STYLES
from trustlayer.policy import Action

Row = Mapping[str, Any]
Parts = Mapping[str, Sequence[Row]]


def report_view(parts: Parts, db: str) -> Iterator[RenderableType]:
    """All tables that have rows; one line when nothing was recorded."""
    [totals], [gains] = parts["totals"], parts["gains"]
    if not totals["outcomes"]:
        yield Text(f"no outcome is recorded in {db}, or none in that time")
        return
    yield _summary(totals, gains, db)
    for name, (title, columns) in _TABLES.items():
        if parts[name]:
            yield _table(title, columns, parts[name])


def _summary(totals: Row, gains: Row, db: str) -> Text:
    accepted = _share(totals["accepted"] / totals["outcomes"])
    lines = [
        f"{totals['outcomes']} outcomes in {db}, {_day(totals['first'])} to {_day(totals['last'])}",
        f"{accepted} accepted: {gains['first']} at once, {gains['revised']} after a revision, "
        f"{gains['escalated']} by a further model",
        f"{totals['attempts']} attempts, cost {totals['cost']:.4g}, "
        f"{_seconds(totals['mean_seconds'])} on average",
    ]
    return Text("\n".join(lines))


def _table(title: str, columns: Columns, rows: Sequence[Row]) -> Table:
    table = Table(
        title=f"\n{title}", title_justify="left", title_style="bold", box=None, padding=(0, 1)
    )
    for name, _ in columns.values():
        text = name in ("action", "detector", "model", "id", "prompt", "from")
        table.add_column(name, justify="left" if text else "right", style=None)
    for row in rows:
        table.add_row(*(_styled(key, row[key], shape) for key, (_, shape) in columns.items()))
    return table


def _styled(key: str, value: Any, shape: Callable[[Any], str]) -> Text:
    style = STYLES[Action(value)] if key == "action" else ""
    return Text("-" if value is None and key != "model" else visible(shape(value)), style=style)


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"


def _risk(risk: float) -> str:
    return f"{risk:.2f}"


def _share(share: float) -> str:
    return f"{share:.1%}"


def _seconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _who(model: str | None) -> str:
    return "(given)" if model is None else model


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else f"{line[:37]}..."


Columns = Mapping[str, tuple[str, Callable[[Any], str]]]

_TABLES: Mapping[str, tuple[str, Columns]] = {
    "by_action": (
        "By action",
        {"action": ("action", str), "outcomes": ("outcomes", str), "share": ("share", _share)},
    ),
    "by_detector": (
        "By detector",
        {
            "name": ("detector", str),
            "version": ("version", str),
            "examined": ("examined", str),
            "over_limit": ("doubted", str),
            "unexamined": ("unexamined", str),
            "mean_risk": ("mean risk", _risk),
            "p90_risk": ("p90", _risk),
            "mean_seconds": ("time", _seconds),
        },
    ),
    "by_model": (
        "By model",
        {
            "model": ("model", _who),
            "attempts": ("attempts", str),
            "failed": ("failed", str),
            "accepted": ("accepted", str),
            "mean_risk": ("mean risk", _risk),
            "cost": ("cost", "{:.4g}".format),
            "mean_seconds": ("time", _seconds),
        },
    ),
    "over_time": (
        "Over time",
        {
            "start": ("from", _day),
            "outcomes": ("outcomes", str),
            "accepted": ("accepted", str),
            "held": ("held", str),
            "refused": ("refused", str),
            "mean_seconds": ("time", _seconds),
        },
    ),
    "recent": (
        "Recent",
        {
            "id": ("id", lambda id: str(id)[:8]),
            "started": ("from", _day),
            "action": ("action", str),
            "attempts": ("attempts", str),
            "model": ("model", _who),
            "risk": ("risk", _risk),
            "prompt": ("prompt", _short),
        },
    ),
}
