"""``trustlayer examine`` over many files and processes, interrupted, damaged, continued."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.bulk.conftest import SOURCE, read, write
from trustlayer.audit import AuditStore
from trustlayer.bulk import Failure, examine
from trustlayer.cli import app

pytestmark = pytest.mark.usefixtures("detectors")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["examine", *map(str, arguments)])


def answers(count: int) -> list[Any]:
    return ["so LOUD" if n % 5 == 0 else f"number {'x' * (n % 90)}" for n in range(count)]


def killed(output: Path, lines: int, *arguments: str | Path) -> None:
    """Run it, and kill it when its output has so many lines."""
    command = [sys.executable, "-m", "trustlayer", "examine", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while not output.exists() or output.read_bytes().count(b"\n") < lines:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)


@pytest.fixture
def given(tmp_path: Path) -> Path:
    return write(tmp_path / "in.jsonl", answers(700))


def test_findings_are_the_same_whoever_examines(tmp_path: Path, given: Path) -> None:
    found: set[bytes] = set()
    for workers in (1, 3):
        output = tmp_path / f"{workers}.jsonl"
        options = ["-d", "together", "-d", "shouting", "--workers", workers, "-o", output]
        assert run(given, *map(str, options)).exit_code == 0
        found.add(output.read_bytes())
    streamed = CliRunner().invoke(
        app, ["examine", "-", "-d", "together", "-d", "shouting"], input=given.read_bytes()
    )
    found.add(streamed.stdout_bytes)
    assert len(found) == 1
    assert [row["id"] for row in map(json.loads, found.pop().splitlines())] == list(range(1, 701))


def test_many_small_blocks_come_through(tmp_path: Path, given: Path) -> None:
    """Workers answer faster than we ask: no answer may wait unseen in a buffer."""
    output = tmp_path / "out.jsonl"
    options = ["-d", "shouting", "--batch-size", "1", "--workers", "2", "-o", str(output)]
    assert run(given, *options).exit_code == 0
    assert len(read(output)) == 700


@pytest.mark.parametrize("name", ["out.jsonl", "out.parquet"])
def test_a_killed_run_is_continued_where_it_was(tmp_path: Path, given: Path, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow", reason="needs the extra 'parquet'")
    options: list[str | Path] = [given, "-d", "together", "-d", "slow", "--batch-size", "8"]
    output, whole = tmp_path / name, tmp_path / f"whole_{name}"
    work = output if name.endswith("jsonl") else tmp_path / f"{name}.jsonl"
    killed(work, 100, *options, "--workers", "2", "-o", output)
    before = work.read_bytes().count(b"\n")
    assert 100 <= before < 700
    with work.open("ab") as file:
        file.write(b'{"id": 1, "find')  # as when the power goes
    done = run(*options, "-o", output, "--resume")
    assert done.exit_code == 0, done.stderr
    assert "of these were examined before, and not again" in done.stderr
    assert run(*options, "-o", whole).exit_code == 0
    assert output.read_bytes() == whole.read_bytes()
    assert work == output or not work.exists()
    again = run(*options, "-o", output, "--resume")
    assert "examined before: 700 answers, nothing is left to do" in again.stderr
    assert again.exit_code == 0


def test_damage_to_the_output_costs_only_what_follows_it(tmp_path: Path, given: Path) -> None:
    options: list[str | Path] = [given, "-d", "together", "-d", "slow", "--batch-size", "8"]
    output = tmp_path / "out.jsonl"
    killed(output, 100, *options, "-o", output)
    whole = output.read_bytes()
    output.write_bytes(whole.replace(b'"id": 60,', b'"id": 66,'))
    done = run(*options, "-o", output, "--resume")
    assert "56 of these were examined before" in done.stderr
    assert [row["id"] for row in read(output)] == list(range(1, 701))


def begun(tmp_path: Path, given: Path) -> list[str | Path]:
    output = tmp_path / "out.jsonl"
    options: list[str | Path] = ["-d", "together", "-d", "slow", "--batch-size", "8", "-o", output]
    killed(output, 50, given, *options)
    return options


def test_what_has_changed_is_not_continued(tmp_path: Path, given: Path, detectors: Path) -> None:
    options = begun(tmp_path, given)
    text = given.read_text()
    kept = (tmp_path / "out.jsonl").read_bytes()

    def refused(*told: str, also: list[str | Path] | None = None) -> None:
        done = run(given, *options, "--resume", *(also or []))
        assert done.exit_code == 1
        for words in told:
            assert words in done.stderr
        assert "leave --resume away" in done.stderr
        assert (tmp_path / "out.jsonl").read_bytes() == kept

    given.write_text(text + '{"answer": "one more"}\n')
    refused(f"the input {given} had {len(text)} bytes, has {len(text) + 23}")
    given.write_text(text[:-5] + "y" + text[-4:])
    refused(f"the input {given} changed")
    given.write_text(text)
    refused("--batch-size was 8, is 9", also=["--batch-size", "9"])
    refused("the detector 'shouting' is new", also=["-d", "shouting"])
    other = write(tmp_path / "other.jsonl", ["yes"])
    refused(f"the input {other} is new", also=[other])
    [module] = detectors.glob("*.py")
    module.write_text(SOURCE.replace('version = "3"', 'version = "4"'))
    refused("the detector 'together' had version 3, has 4")
    module.write_text(SOURCE.replace("shift: int = 0", "shift: int = 5"))
    refused("the detector 'together' was Together(shift=0), is Together(shift=5)")


def test_an_output_without_its_journal_is_not_continued(tmp_path: Path, given: Path) -> None:
    options = begun(tmp_path, given)
    journal = tmp_path / "out.jsonl.journal"
    text = journal.read_text()
    for content, told in [
        ("nonsense\n", "no journal that can be read"),
        (text.replace('{"journal": 1', '{"journal": 2'), "has format 2; expected 1"),
    ]:
        journal.write_text(content)
        done = run(given, *options, "--resume")
        assert done.exit_code == 1
        assert told in done.stderr
    journal.unlink()
    assert "has no journal beside it" in run(given, *options, "--resume").stderr
    journal.write_text(text)
    (tmp_path / "out.jsonl").unlink()
    assert "belongs to an output that is gone" in run(given, *options, "--resume").stderr


def open_now() -> set[str]:
    return {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_a_refused_run_leaves_no_input_open(tmp_path: Path, given: Path) -> None:
    options = begun(tmp_path, given)
    (tmp_path / "out.jsonl.journal").write_text("nonsense\n")
    done = run(given, *options, "--resume")
    assert done.exc_info  # keeps the frames of the run, and what they hold
    assert os.path.realpath(given) not in open_now()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_a_call_that_breaks_off_leaves_no_input_open(tmp_path: Path) -> None:
    rows = [{"answer": text} for text in answers(90)]
    given = write(tmp_path / "in.jsonl", [*rows, {"no": "answer"}, *rows])
    seen: list[Failure] = []

    def refuse(failure: Failure) -> None:
        seen.append(failure)
        raise RuntimeError("enough")

    output = str(tmp_path / "out.jsonl")
    with pytest.raises(RuntimeError, match="enough") as raised:
        examine([str(given)], output, ["together"], workers=1, on_failure=refuse)
    assert seen
    assert raised.traceback  # keeps the frames, and what they hold
    assert os.path.realpath(given) not in open_now()


def test_a_worker_that_dies_is_replaced_and_loses_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "died"
    given = write(tmp_path / "in.jsonl", [*answers(90), f"die once {marker}", *answers(90)])
    output = tmp_path / "out.jsonl"
    done = run(given, "-d", "deadly", "--batch-size", "4", "--workers", "2", "-o", output)
    assert done.exit_code == 0, done.stderr
    assert marker.exists()
    rows = read(output)
    assert [row["id"] for row in rows] == list(range(1, 182))
    assert {row["findings"]["deadly"]["risk"] for row in rows} == {0.1}


def test_what_kills_every_worker_is_unexamined_and_listed(tmp_path: Path) -> None:
    given = write(tmp_path / "in.jsonl", [*answers(10), "die", *answers(10)])
    output = tmp_path / "out.jsonl"
    done = run(given, "-d", "deadly", "--batch-size", "4", "-o", output)
    assert done.exit_code == 1
    rows = read(output)
    assert [row["id"] for row in rows] == list(range(1, 22))
    lost = {row["id"] for row in rows if "unexamined" in row["findings"]["deadly"]}
    assert lost == {9, 10, 11, 12}
    assert "its worker ended by SIGKILL, 3 times" in rows[10]["findings"]["deadly"]["unexamined"]
    [failure] = read(tmp_path / "out.jsonl.failures.jsonl")
    assert (failure["file"], failure["row"], failure["last"]) == (str(given), 9, 12)
    assert "lines 9 to 12: found its worker ended by SIGKILL" in done.stderr


def test_the_rest_of_damaged_inputs_is_examined(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    (folder / "deeper").mkdir(parents=True)
    write(folder / "a.jsonl", ["LOUD", {"answer": 7}, [1], "calm"])
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(b'{"answer": "LOUD"}\n' * 9999)[:-12])
    write(folder / "deeper" / "c.jsonl", [{"id": "mine", "answer": "LOUD"}])
    (folder / "_half.jsonl").write_text("not this one")
    output = tmp_path / "out.jsonl"
    done = run(folder, tmp_path / "missing.jsonl", "-d", "shouting", "-o", output)
    assert done.exit_code == 1
    failures = read(tmp_path / "out.jsonl.failures.jsonl")
    bad = str(folder / "a.jsonl")
    assert [(f["file"], f["row"]) for f in failures[:2]] == [(bad, 2), (bad, 3)]
    assert (failures[0]["found"], failures[0]["expected"]) == (
        "the number 7 as 'answer'", "a string")  # fmt: skip
    damaged, missing = failures[2:]
    assert damaged["file"] == str(folder / "b.jsonl.gz")
    assert "damaged gzip data" in damaged["found"]
    assert (missing["file"], missing["found"]) == (
        str(tmp_path / "missing.jsonl"), "No such file or directory")  # fmt: skip
    ids = [row["id"] for row in read(output)]
    first = [f"{folder}/a.jsonl:1", f"{folder}/a.jsonl:4", f"{folder}/b.jsonl.gz:1"]
    assert ids[:3] == first
    assert ids[-1] == "mine"
    assert len(ids) == damaged["row"] - 1 + 3
    assert "4 failures are listed in" in done.stderr


def test_a_pattern_stands_for_its_files_in_order(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        write(tmp_path / f"{name}.jsonl", [name])
    done = run(f"{tmp_path}/[ab].jsonl", "-d", "shouting")
    ids = [json.loads(line)["id"] for line in done.stdout.splitlines()]
    assert ids == [f"{tmp_path}/a.jsonl:1", f"{tmp_path}/b.jsonl:1"]


def test_outcomes_go_to_the_store_once(tmp_path: Path, given: Path) -> None:
    url = f"sqlite:///{tmp_path}/audit.db"
    output = tmp_path / "out.jsonl"
    options: list[str | Path] = [given, "-d", "shouting", "-d", "slow", "-o", output]
    options += ["--store", url, "--batch-size", "8"]
    killed(output, 400, *options)
    journal = tmp_path / "out.jsonl.journal"
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join(lines[:-2]) + "\n")  # as if killed between store and journal
    done = run(*options, "--resume")
    assert done.exit_code == 0, done.stderr
    with AuditStore.open(url) as store:
        outcomes = store.recent(1000)
        assert len(outcomes) == 700
        [loud] = store.correlated("id", "1")
    assert loud.verdicts[0].exchange.answer == "so LOUD"
    assert loud.verdicts[0].findings["shouting"].risk == 0.5
    assert {o.correlation["examine"] for o in outcomes} == {loud.correlation["examine"]}


def test_a_broken_detector_is_told_by_the_workers_too(
    given: Path, install: Callable[..., Path]
) -> None:
    install("raise OSError('no disk')", broken="anything")
    done = run(given)
    assert done.exit_code == 1
    assert "'broken'" in done.stderr
    assert "to go on without it, name the others" in done.stderr


def test_a_worker_that_never_begins_is_told(
    tmp_path: Path, given: Path, install: Callable[..., Path]
) -> None:
    install("import os; os._exit(7)", fatal="anything")
    done = run(given, "-d", "fatal", "-o", tmp_path / "out.jsonl")
    assert done.exit_code == 1
    assert "ended with exit code 7 while it made its detectors, 3 times" in done.stderr
    assert not os.path.exists(tmp_path / "out.jsonl")
