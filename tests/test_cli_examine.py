"""``trustlayer examine``, run for real: what it writes, and what becomes of what goes wrong."""

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

from trustlayer.cli import app
from trustlayer.lines import parse_findings

SOURCE = '''
import re, time
from trustlayer import Evidence, Exchange, Finding, Span, Unexamined, detector

@detector
def shouting(exchange: Exchange) -> Finding:
    """Doubts words in capitals."""
    spans = [Span(*found.span()) for found in re.finditer(r"[A-Z]{4,}", exchange.answer)]
    return Finding(min(1.0, len(spans) / 2), tuple(Evidence("shouted", span) for span in spans))

@detector
def moody(exchange: Exchange) -> Finding:
    if "raise" in exchange.answer:
        raise RuntimeError("in a mood")
    return Finding(0.25, (Evidence("the whole of it"),))

@detector
def slow(exchange: Exchange) -> Finding:
    time.sleep(0.01)
    return Finding(0.0)
'''
SHOUTED = {"shouting": {"risk": 0.5, "evidence": [{"start": 3, "end": 7, "reason": "shouted"}]}}
CALM: dict[str, Any] = {"shouting": {"risk": 0.0, "evidence": []}}


@pytest.fixture(autouse=True)
def _installed(install: Callable[..., Path]) -> None:
    install(SOURCE, shouting="shouting", moody="moody", slow="slow")


def run(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["examine", *map(str, arguments)], input=stdin)


def process(*arguments: str | Path, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "trustlayer", "examine", *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)


def many(path: Path, count: int = 2000) -> Path:
    path.write_text("".join(f'{{"answer": "number {n}"}}\n' for n in range(count)))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_findings_come_in_the_order_of_the_lines(tmp_path: Path) -> None:
    given = tmp_path / "in.jsonl"
    given.write_text(
        '{"answer": "so LOUD"}\n\n{"id": "b", "answer": "so calm"}\n{"id": 9, "answer": ""}'
    )
    done = run(given, "--detector", "shouting", "--output", tmp_path / "out.jsonl")
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert read(tmp_path / "out.jsonl") == [
        {"id": 1, "findings": SHOUTED},
        {"id": "b", "findings": CALM},
        {"id": 9, "findings": CALM},
    ]
    assert "examined: 3 answers" in done.stderr


def test_stdin_and_stdout_may_be_the_files() -> None:
    data = gzip.compress(b'\xef\xbb\xbf{"answer": "so LOUD"}\r\n')
    done = run("-", "-d", "shouting", stdin=data)
    assert json.loads(done.stdout) == {"id": 1, "findings": SHOUTED}


@pytest.mark.parametrize("size", [1, 2, 100])
def test_what_a_detector_cannot_examine_is_said_in_its_place(tmp_path: Path, size: int) -> None:
    given = tmp_path / "in.jsonl"
    given.write_text('{"answer": "a"}\n{"answer": "raise"}\n{"answer": "b"}\n')
    done = run(given, "-d", "moody", "--batch-size", str(size))
    fine = {"risk": 0.25, "evidence": [{"reason": "the whole of it"}]}
    found = [json.loads(line)["findings"]["moody"] for line in done.stdout.splitlines()]
    assert found == [fine, {"unexamined": "raised RuntimeError: in a mood"}, fine]
    assert done.exit_code == 0


def test_a_bad_line_stops_it_after_everything_before_was_written(tmp_path: Path) -> None:
    given, output = many(tmp_path / "in.jsonl", 5), tmp_path / "out.jsonl"
    given.write_text(given.read_text() + '{"answr": "x"}\n{"answer": "after"}\n')
    done = run(given, "-d", "shouting", "-o", output)
    assert done.exit_code == 1
    assert [line["id"] for line in read(output)] == [1, 2, 3, 4, 5]
    assert "line 6: found no 'answer' among the keys ('answr'); expected 'answer'" in done.stderr
    assert "--on-error skip" in done.stderr
    assert "Traceback" not in done.stderr


def test_bad_lines_can_be_skipped_but_not_silently(tmp_path: Path) -> None:
    given = tmp_path / "in.jsonl"
    given.write_bytes(b'{"answer": "a"}\n[]\n{"answer": "\xff"}\n{"answer": "b"}\n')
    done = run(given, "-d", "shouting", "--on-error", "skip")
    assert done.exit_code == 1
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 4]
    assert "line 2: found a list" in done.stderr
    assert "line 3: found the byte 0xff" in done.stderr
    assert "2 bad lines were skipped" in done.stderr


def test_odd_lines_are_told_once(tmp_path: Path) -> None:
    given = tmp_path / "in.jsonl"
    given.write_text('{"id": "x", "answer": "a", "contxt": "", "label": 1}\n' * 3)
    done = run(given, "-d", "shouting")
    assert done.exit_code == 0
    assert done.stderr.count("'contxt' is ignored; did you mean 'context'?") == 1
    assert done.stderr.count("the id 'x' was that of line 1") == 1
    assert "2 ids occur more than once" in done.stderr
    assert "label" not in done.stderr


def test_surrogates_controls_and_long_texts_pass_through(tmp_path: Path) -> None:
    given = tmp_path / "in.jsonl"
    lines = [
        {"id": "\ud800", "answer": "\ud800 LOUD \x1b[31m\u202e"},
        {"id": "שלום", "answer": "שלום " * 400_000 + "LOUD"},
        {"answer": "LOUD", "context": "word " * 1_000_000},
    ]
    given.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run(given, "-d", "shouting")
    assert done.exit_code == 0, done.stderr
    found = [parse_findings(line) for line in done.stdout.splitlines()]
    assert [line.id for line in found] == ["\ud800", "שלום", 3]
    starts = [line.findings["shouting"].evidence[0].span for line in found]
    assert [span.start for span in starts if span] == [2, 2_000_000, 0]
    assert "\x1b" not in done.stdout


def test_a_damaged_gzip_file_is_told_after_what_could_be_read(tmp_path: Path) -> None:
    given = tmp_path / "in.jsonl.gz"
    data = gzip.compress(b'{"answer": "LOUD"}\n' * 50_000)
    given.write_bytes(data[:-20])
    done = run(given, "-d", "shouting")
    assert done.exit_code == 1
    assert "damaged gzip data" in done.stderr
    assert len(done.stdout.splitlines()) > 0


def test_recorded_answers_are_read_with_a_telling_id(tmp_path: Path) -> None:
    given = tmp_path / "replay.jsonl.gz"
    responses = [{"id": str(n), "model": f"m{n}", "text": "LOUD"} for n in range(6)]
    row = {"source_id": "q", "question": "?", "context": "c", "responses": responses}
    given.write_bytes(gzip.compress(json.dumps(row).encode()))
    done = run("--from-replay", given, "-d", "shouting")
    ids = [json.loads(line)["id"] for line in done.stdout.splitlines()]
    assert ids == [f"q/m{n}/{n}" for n in range(6)]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["missing.jsonl"], 1, "missing.jsonl: No such file or directory"),
        (["empty"], 1, "empty: found no file; expected a file named *.jsonl"),
        (["*.jsnl"], 1, "*.jsnl: found no file"),
        (["in.jsonl", "-"], 2, "cannot be one of several inputs"),
        (["in.jsonl", "--resume"], 2, "--resume needs a file"),
        (["in.jsonl", "--engine", "rye"], 1, "the engine 'rye' is not installed"),
        (["in.jsonl", "-d", "shoutin"], 1, "Did you mean 'shouting'?"),
        (["in.jsonl", "-o", "in.jsonl"], 2, "another file than the input"),
        (["in.jsonl", "-o", "out.gz"], 2, "plain lines are written"),
        (["in.jsonl", "-o", "no/out.jsonl"], 1, "No such file or directory"),
        (["in.jsonl", "--batch-size", "0"], 2, "batch-size"),
        (["in.jsonl", "--on-error", "pray"], 2, "on-error"),
        ([], 2, "FILE.jsonl"),
    ],
)
def test_wrong_usage_is_2_and_what_cannot_run_is_1(
    tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    content = many(tmp_path / "in.jsonl", 3).read_text()
    (tmp_path / "empty").mkdir()
    names = [] if "-d" in arguments else ["-d", "shouting"]
    done = run(*arguments, *names)
    assert done.exit_code == code
    assert told in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr
    assert (tmp_path / "in.jsonl").read_text() == content


def test_a_broken_detector_is_not_left_out_silently(install: Callable[..., Path]) -> None:
    install("raise OSError('no disk')", broken="anything")
    done = run("-", stdin=b'{"answer": "a"}')
    assert done.exit_code == 1
    assert "'broken'" in done.stderr
    assert "to go on without it, name the others" in done.stderr


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_what_was_written_before_the_end_came_is_whole(
    tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    given, output = many(tmp_path / "in.jsonl"), tmp_path / "out.jsonl"
    with process(given, "-d", "slow", "--batch-size", "3", "-o", output) as running:
        while not output.exists() or output.stat().st_size < 2000:
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(sent)
        assert running.wait() == code
        assert running.stderr is not None
        assert b"Traceback" not in running.stderr.read()
    assert output.read_text().endswith("\n")
    ids = [parse_findings(line).id for line in output.read_text().splitlines()]
    assert ids == list(range(1, len(ids) + 1))
    assert 0 < len(ids) < 2000


def test_a_reader_that_goes_away_is_no_reason_to_complain(tmp_path: Path) -> None:
    given = many(tmp_path / "in.jsonl", 20_000)
    with process(given, "-d", "shouting", stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert parse_findings(running.stdout.readline()).id == 1
        running.stdout.close()
        told = running.stderr.read().decode()
    assert running.returncode == 1
    assert "Traceback" not in told
    assert "Broken" not in told


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    given, output = many(tmp_path / "in.jsonl", 500), tmp_path / "out.jsonl"

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    options = {"preexec_fn": small_files, "env": {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}}
    with process(given, "-d", "shouting", "-o", output, **options) as running:
        assert running.stderr is not None
        told = running.stderr.read().decode()
    assert running.returncode == 1
    assert "File too large" in told
    assert str(output) in told.replace("\n", "")
    lines = output.read_text().splitlines()
    assert len(lines) > 50
    assert [parse_findings(line).id for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_device_is_told() -> None:
    done = run("-", "-d", "shouting", "-o", "/dev/full", stdin=b'{"answer": "a"}')
    assert done.exit_code == 1
    assert "/dev/full: No space left on device" in done.stderr
