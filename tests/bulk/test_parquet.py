"""Parquet in and out, and what is left of a damaged file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.bulk.conftest import read, write
from trustlayer.bulk.blocks import Entry, Failure
from trustlayer.bulk.parquet import read_parquet
from trustlayer.cli import app

pa = pytest.importorskip("pyarrow", reason="needs the extra parquet")
parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra parquet")

ROWS: list[dict[str, Any]] = [
    {"id": f"q{n}", "answer": "so LOUD" if n % 3 else "calm", "context": ["324 m", "high"]}
    for n in range(90)
]


def table(path: Path, rows: list[dict[str, Any]], group: int = 30) -> Path:
    parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=group, compression="none")
    return path


def test_a_table_gives_what_the_same_lines_give(tmp_path: Path, detectors: Path) -> None:
    given = [table(tmp_path / "in.parquet", ROWS), write(tmp_path / "in.jsonl", ROWS)]
    found = []
    for path in given:
        output = tmp_path / f"{path.suffix}.out.jsonl"
        arguments = ["examine", str(path), "-d", "shouting", "-d", "together", "-o", str(output)]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.stderr
        found.append(output.read_bytes())
    assert found[0] == found[1]


def test_findings_can_be_a_table(tmp_path: Path, detectors: Path) -> None:
    given = write(tmp_path / "in.jsonl", [*ROWS[:2], {"id": "\ud800", "answer": "raise"}])
    lines, output = tmp_path / "out.jsonl", tmp_path / "out.parquet"
    for path in (lines, output):
        arguments = ["examine", str(given), "-d", "shouting", "-d", "slow", "-o", str(path)]
        assert CliRunner().invoke(app, arguments).exit_code == 0
    rows = parquet.read_table(output).to_pylist()
    assert [row["id"] for row in rows] == ["q0", "q1", "\\ud800"]
    slow = {"detector": "slow", "risk": 0.0, "unexamined": None, "evidence": []}
    evidence = [{"start": 3, "end": 7, "reason": "shouted"}]
    loud = {"detector": "shouting", "risk": 0.5, "unexamined": None, "evidence": evidence}
    assert rows[1]["findings"] == [loud, slow]
    assert [f["risk"] for f in rows[1]["findings"]] == [
        f["risk"] for f in read(lines)[1]["findings"].values()
    ]


def test_a_damaged_row_group_costs_no_other(tmp_path: Path) -> None:
    path = table(tmp_path / "in.parquet", ROWS)
    column = parquet.ParquetFile(path).metadata.row_group(1).column(0)
    data = bytearray(path.read_bytes())
    start = column.dictionary_page_offset or column.data_page_offset
    data[start : start + 40] = b"\xff" * 40
    path.write_bytes(data)
    found = list(read_parquet(str(path)))
    rows = [item.place.row for item in found if isinstance(item, Entry)]
    assert rows == [*range(1, 31), *range(61, 91)]
    [failure] = [item for item in found if isinstance(item, Failure)]
    assert (failure.place.row, failure.last) == (31, 60)
    assert "row group 1 damaged" in failure.found


def test_rows_of_the_wrong_type_and_files_of_another_kind_are_told(tmp_path: Path) -> None:
    wrong = table(tmp_path / "wrong.parquet", [{"answer": "a", "context": 7}])
    [failure] = read_parquet(str(wrong))
    assert str(failure) == (
        "line 1: found the number 7 as 'context'; expected a string or a list of strings"
    )
    other = tmp_path / "other.parquet"
    other.write_text("no table")
    [failure] = read_parquet(str(other))
    assert isinstance(failure, Failure)
    assert failure.expected == "a Parquet file"


def test_what_tables_call_missing_is_missing(tmp_path: Path) -> None:
    path = table(tmp_path / "in.parquet", [{"answer": "a", "prompt": None, "id": float("nan")}])
    [entry] = read_parquet(str(path))
    assert isinstance(entry, Entry)
    assert (entry.line.id, entry.line.exchange.prompt) == (1, "")
