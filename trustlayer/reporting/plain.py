"""The reports for programs: JSON, and one long CSV table."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from trustlayer.reporting.book import Book

_LEFT_OUT = ("scope", "made", "every", "quality")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def tables(book: Book) -> dict[str, list[dict[str, Any]]]:
    """Every report as rows of plain values, by its name; times are datetimes."""
    found: dict[str, list[dict[str, Any]]] = {}
    for field in dataclasses.fields(book):
        if field.name not in _LEFT_OUT:
            rows: Any = getattr(book, field.name)
            some: list[Any] = [rows] if dataclasses.is_dataclass(rows) else list(rows)
            found[field.name] = [dataclasses.asdict(row) for row in some]
    return found


def as_json(book: Book) -> str:
    """An object with a list of rows for each report."""
    return json.dumps(_finite(tables(book)), indent=2, default=_text) + "\n"


def as_csv(book: Book) -> str:
    """One long table: the report, the number of the row in it, the measure, its value."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("part", "row", "measure", "value"))
    for part, rows in tables(book).items():
        for number, row in enumerate(rows, 1):
            for measure, value in _flat(row):
                writer.writerow((part, number, measure, _cell(value)))
    return file.getvalue()


def _flat(row: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    # What lies within a value stands beside it: rate.low, bars.3.findings.
    for key, value in row.items():
        name = f"{before}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")  # pyright: ignore
        elif isinstance(value, tuple | list):
            yield from _flat({str(n): one for n, one in enumerate(value, 1)}, f"{name}.")  # pyright: ignore
        else:
            yield name, value


def _cell(value: object) -> str:
    if isinstance(value, str):  # of others: no spreadsheet shall take it for a formula
        text = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", str(value))
        return f"'{text}" if text.startswith(_FORMULA) else text
    return "" if value is None else str(_text(value) if isinstance(value, datetime) else value)


def _finite(value: Any) -> Any:
    # JSON has no word for what is not a number.
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}  # pyright: ignore
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]  # pyright: ignore
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
