"""Rows in the text format of PostgreSQL's COPY."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from trustlayer.audit.columns import escape
from trustlayer.audit.digests import Row


def lines(names: Sequence[str], rows: Sequence[Row]) -> str:
    """*rows* as the lines that COPY takes, their columns in the order of *names*."""
    try:  # the most by far hold nothing but these types
        found = ["\t".join([_CELLS[type(row[name])](row[name]) for name in names]) for row in rows]
    except KeyError:
        found = ["\t".join([_cell(row[name]) for name in names]) for row in rows]
    return "".join([f"{line}\n" for line in found])


def _cell(value: object) -> str:
    # A subclass, of str perhaps, is written as what it derives from.
    kind = next((parent for parent in type(value).__mro__ if parent in _CELLS), type(value))
    return _CELLS[kind](value)


def _text(value: str) -> str:
    found = escape(value)
    if "\\" in found:
        found = found.replace("\\", "\\\\")
    for plain, written in (("\n", "\\n"), ("\t", "\\t"), ("\r", "\\r")):
        if plain in found:
            found = found.replace(plain, written)
    return found


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"a time needs its zone, got {value!r}; write datetime.now(UTC)")
    return value.isoformat()


_CELLS: dict[type, Callable[[Any], str]] = {
    type(None): lambda _: "\\N",
    str: _text,
    bytes: lambda value: f"\\\\x{value.hex()}",
    bool: lambda value: "t" if value else "f",
    int: str,
    float: repr,  # the shortest form that gives the same number back; inf as it is
    list: json.JSONEncoder().encode,
    datetime: _moment,
}
