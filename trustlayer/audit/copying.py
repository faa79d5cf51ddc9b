"""Rows in the text format of PostgreSQL's COPY, made before it is known where they will lie.

What only the transaction tells, the numbers and the place in the chain, stands in the first
columns: a line is put together from that and the rest of it, which was written beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, Self, cast

from trustlayer.audit.columns import escape
from trustlayer.audit.digests import Row, Rows
from trustlayer.audit.tables import Base

PLACE = ("number", "policy", "recorded", "chain", "sequence", "content", "hash")  # of an outcome
NAMED = ("examiners", "findings")  # the tables whose second column is the number of a detector


@dataclass(frozen=True, slots=True)
class Packed:
    """The rests of one outcome's lines, by table; those of NAMED with the detector's digest."""

    outcome: str
    children: Mapping[str, Sequence[str]]
    named: Mapping[str, Sequence[tuple[bytes, str]]]

    @classmethod
    def of(cls, rows: Rows) -> Self:
        """All that is known of *rows* before their transaction."""
        written = {table: rests(table, some) for table, some in rows.children.items()}
        detectors = {t: [row["detector"] for row in rows.children[t]] for t in NAMED}
        return cls(
            rests("outcomes", [rows.outcome])[0],
            {table: some for table, some in written.items() if table not in NAMED},
            {t: list(zip(detectors[t], written[t], strict=True)) for t in NAMED},
        )


@cache
def columns(table: str) -> tuple[str, ...]:
    """The columns of *table* in the order of a line: those that are known last come first."""
    return _first(table) + _later(table)


def rests(table: str, rows: Sequence[Row]) -> list[str]:
    """The ends of the lines of *rows*, after their first columns; null what they do not have."""
    get = _getter(table)
    try:
        return [f"{cells(get(row))}\n" for row in rows]
    except KeyError:  # from the spool of an older version
        later = _later(table)
        return [f"{cells([row.get(name) for name in later])}\n" for row in rows]


def cells(values: Sequence[object]) -> str:
    """*values* as COPY takes them."""
    try:  # the most by far are of nothing but these types
        return "\t".join(["\\N" if v is None else _CELLS[type(v)](v) for v in values])
    except KeyError:
        return "\t".join(["\\N" if v is None else _cell(v) for v in values])


def _first(table: str) -> tuple[str, ...]:
    if table == "outcomes":
        return PLACE
    return ("outcome", "detector") if table in NAMED else ("outcome",)


def _later(table: str) -> tuple[str, ...]:
    all = Base.metadata.tables[table].columns
    return tuple(column.name for column in all if column.name not in _first(table))


@cache
def _getter(table: str) -> Callable[[Row], tuple[Any, ...]]:
    return cast("Callable[[Row], tuple[Any, ...]]", itemgetter(*_later(table)))


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
    str: _text,
    bytes: lambda value: "\\\\x" + value.hex(),
    bool: lambda value: "t" if value else "f",
    int: str,
    float: repr,  # the shortest form that gives the same number back; inf as it is
    list: repr,  # of numbers, or lists of them: what JSON writes, and sooner
    datetime: _moment,
}
