"""What a section of the report is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

Cell = str | Markup


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; *kind* is ``"text"``, ``"number"`` or ``"plot"``."""

    name: Cell
    kind: str = "number"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells beneath columns."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with its title, and a line beneath."""

    drawing: Markup
    title: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One report: *empty* stands in its place where there is nothing to show."""

    id: str
    title: str
    question: str
    figures: Sequence[Figure] = ()
    small: Sequence[Figure] = ()  # side by side
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    legend: Sequence[tuple[str, str]] = ()
    empty: str = ""
    alarm: str = ""
