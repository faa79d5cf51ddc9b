"""Every block of the README, and of the guide to writing a detector, runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from trustlayer import Exchange, Finding, Span, Unexamined

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
PYTHON = [text for kind, text in BLOCKS if kind == "python"]
COMMANDS = [
    line.removeprefix("$ ").partition("  #")[0].strip()
    for kind, text in BLOCKS
    if kind == "console"
    for line in text.splitlines()
]
OURS = [command for command in COMMANDS if command.startswith("trustlayer ")]


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_python_blocks_run(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(PYTHON[number], f"README.md block {number}", "exec"), {"__name__": "__main__"})
    assert "324" in capsys.readouterr().out


@pytest.mark.checkout
def test_the_guide_to_writing_a_detector_runs() -> None:
    guide = (ROOT / "detectors" / "README.md").read_text("utf-8")
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL):
        exec(compile(block, "detectors/README.md", "exec"), names)
    [hedged] = names["hedging"].examine([Exchange("", "Perhaps; I think so.")])
    assert [e.span for e in hedged.evidence] == [Span(0, 7), Span(9, 16)]
    found = names["Brevity"](most=3).examine([Exchange("", "long"), Exchange("", "")])
    assert found == [Finding(1.0), Unexamined("brevity", "empty answer")]
    assert names["lettuce"].needs == ("context",)


def test_commands_run() -> None:
    from trustlayer.cli import app

    Path("tower.txt").write_text("The tower is 324 m tall.")
    Path("answers.jsonl").write_text('{"answer": "It is 324 m.", "context": "It is 324 m."}\n')
    assert len(OURS) >= 4
    for command in OURS:
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert done.exit_code in (0, 3), (command, done.output)


def test_the_two_commands_exist() -> None:
    assert [c for c in COMMANDS if c.startswith("make")] == ["make demo", "make test"]
