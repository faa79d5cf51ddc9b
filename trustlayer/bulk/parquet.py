"""Parquet: exchanges by row group, so that a damaged one costs no other; and findings out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from trustlayer.bulk.blocks import Entry, Failure, Place
from trustlayer.errors import BadLine, MissingExtra
from trustlayer.jsonl import Fields
from trustlayer.lines import exchange_of, parse_findings

FINDINGS, FAILURE = "findings", "failure"
BATCH = 1_024  # rows held in memory at a time


def read_parquet(path: str) -> Iterator[Entry | Failure]:
    """The rows of a Parquet file; its columns are the keys of the JSON lines."""
    parquet = _parquet()
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ValueError) as error:  # pyarrow's own errors are one or the other
        yield Failure(Place(path, 1), _first_line(error), "a Parquet file")
        return
    with file:
        row = 1
        for group in range(file.metadata.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            yield from _group(path, file, group, range(row, row + count))
            row += count


def entry(place: Place, row: Mapping[str, Any]) -> Entry | Failure:
    """The exchange in a *row* of a table."""
    try:
        # "not a number" is how tables say that nothing is there
        values = {key: None if _missing(value) else value for key, value in row.items()}
        return Entry(place, exchange_of(Fields(place.row, values)))
    except BadLine as error:
        return Failure(place, error.found, error.expected)


def _group(path: str, file: Any, group: int, rows: range) -> Iterator[Entry | Failure]:
    left = iter(rows)
    try:
        for batch in file.iter_batches(BATCH, row_groups=[group]):
            for values in batch.to_pylist():
                yield entry(Place(path, next(left)), values)
    except (OSError, ValueError) as error:
        first = next(left, rows.stop)
        found = f"row group {group} damaged ({_first_line(error)})"
        yield Failure(Place(path, first), found, "rows", last=rows.stop - 1)


def _missing(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def write_parquet(lines: Iterable[bytes], path: str) -> None:
    """Findings as a table: an id, and for each detector a risk, or a reason why there is none."""
    pa = _arrow()
    schema = _schema()
    with _parquet().ParquetWriter(path, schema) as writer:
        held: list[dict[str, Any]] = []
        for line in lines:
            held.append(table_row(line))
            if len(held) == BATCH:
                writer.write_table(pa.Table.from_pylist(held, schema))
                held = []
        writer.write_table(pa.Table.from_pylist(held, schema))


def table_row(line: bytes) -> dict[str, Any]:
    """What stands in one row of the table for a *line* of findings; see `_schema`."""
    found = parse_findings(line)
    findings: list[dict[str, Any]] = [
        {
            "detector": name,
            "risk": finding.risk,
            "unexamined": None,
            "evidence": [
                {
                    "start": doubt.span and doubt.span.start,
                    "end": doubt.span and doubt.span.end,
                    "reason": _encodable(doubt.reason),
                }
                for doubt in finding.evidence
            ],
        }
        for name, finding in found.findings.items()
    ]
    findings += [
        {"detector": u.detector, "risk": None, "unexamined": _encodable(u.reason), "evidence": []}
        for u in found.unexamined
    ]
    return {"id": _encodable(str(found.id)), FINDINGS: sorted(findings, key=_name)}


def _name(finding: Mapping[str, Any]) -> str:
    return str(finding["detector"])


def _encodable(text: str) -> str:
    # Tables are UTF-8, which has no lone surrogates.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def columns(findings: Sequence[Any], failures: Sequence[str | None]) -> dict[str, Any]:
    """Columns for a table of answers: findings as in `table_row`, and why there are none."""
    pa = _arrow()
    told = [None if failure is None else _encodable(failure) for failure in failures]
    return {FINDINGS: pa.array(findings, _findings()), FAILURE: pa.array(told, pa.string())}


def _schema() -> Any:
    pa = _arrow()
    return pa.schema([("id", pa.string()), (FINDINGS, _findings())])


def _findings() -> Any:
    pa = _arrow()
    evidence = [("start", pa.int64()), ("end", pa.int64()), ("reason", pa.string())]
    finding = [
        ("detector", pa.string()),
        ("risk", pa.float64()),
        ("unexamined", pa.string()),
        ("evidence", pa.list_(pa.struct(evidence))),
    ]
    return pa.list_(pa.struct(finding))


def _parquet() -> Any:
    return _arrow("pyarrow.parquet")


def _arrow(name: str = "pyarrow") -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        missing = MissingExtra("Parquet files need pyarrow, which is not installed")
        missing.add_note('install it: pip install "trustlayer[parquet]"')
        raise missing from error
