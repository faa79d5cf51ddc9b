"""An evaluation as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from trustlayer.cli._terminal import visible

if TYPE_CHECKING:
    from trustlayer.evaluation import Evaluation, Part, Result
    from trustlayer.metrics import Interval

COLUMNS = ("AUROC", "AUPRC", "F1", "bal. acc.", "ECE", "span F1")


def evaluation_view(made: Evaluation) -> Iterator[RenderableType]:
    """One table for each part, then the AUROC within single datasets and models."""
    for part in made.parts:
        yield _title(f"{visible(part.title)}: {part.answers} answers, {part.bad} bad")
        yield _part(part)
    for kind, found in made.within.items():
        yield _title(f"AUROC within single {kind}s")
        table = _table("AUROC")
        for name, interval in found.items():
            table.add_row(Text(visible(name)), _stacked(interval))
        yield table


def _title(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _part(part: Part) -> Table:
    cells = [_cells(result) for result in part.results]
    shown = [n for n in range(len(COLUMNS)) if any(row[n] for row in cells)]
    table = _table(*(COLUMNS[n] for n in shown))
    for result, row in zip(part.results, cells, strict=True):
        table.add_row(_name(result), *(_stacked(row[n]) for n in shown))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("detector", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True, min_width=9)
    return table


def _cells(result: Result) -> tuple[Interval | None, ...]:
    return (
        result.auroc,
        result.auprc,
        result.f1,
        result.balanced_accuracy,
        result.calibration_error,
        result.span_f1,
    )


def _name(result: Result) -> Text:
    limit = "" if result.limit is None else f"\nlimit {result.limit:.2f}"
    missing = f"\n{result.unexamined} unexamined" if result.unexamined else ""
    return Text.assemble(visible(result.name), (limit + missing, "dim"))


def _stacked(interval: Interval | None) -> Text:
    # The interval beneath the figure, so that six columns fit a terminal of 80.
    if interval is None or interval.value != interval.value:
        return Text("-", style="dim")
    if interval.low != interval.low:
        return Text(f"{interval.value:.3f}")
    bounds = f"\n{interval.low:.2f}-{interval.high:.2f}"
    return Text.assemble(f"{interval.value:.3f}", (bounds, "dim"))
