"""The command line as a whole: help, versions, detectors, start-up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import trustlayer
from trustlayer.cli import app

COMMANDS = ["verify", "examine", "detectors", "report", "show", "db", "audit"]


def trustlayer_command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trustlayer", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_the_version_is_shown() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"trustlayer {trustlayer.__version__}\n")


def test_without_a_command_the_help_is_shown() -> None:
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 2
    for command in COMMANDS:
        assert command in done.output


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), ["db", "check"]])
def test_the_help_has_examples_and_exit_codes(command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--help"])
    assert done.exit_code == 0
    assert f"$ trustlayer {' '.join(command[:1])}" in done.stdout
    assert "Exit codes" in done.stdout
    assert "could not run" in " ".join(done.stdout.split())
    assert "Traceback" not in done.output


def test_the_help_needs_no_heavy_import() -> None:
    heavy = "{'sqlalchemy', 'alembic', 'onnxruntime', 'tokenizers', 'langchain_core', 'torch'}"
    code = f"import sys, trustlayer.cli; sys.exit(', '.join({heavy} & set(sys.modules)) or None)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_command_is_wrong_usage() -> None:
    done = CliRunner().invoke(app, ["verfy"])
    assert done.exit_code == 2
    assert "verfy" in done.stderr


SOURCE = '''
from trustlayer import Exchange, Finding, detector

@detector
def nothing(exchange: Exchange) -> Finding:
    """Doubts nothing,
    ever.

    And says more below.
    """
    return Finding(0.0)

class Thorough:
    """Wants samples."""
    name, version, needs, limit = "thorough", "2.1", ("samples",), 0.25
    def examine(self, exchanges):
        return [Finding(0.0) for _ in exchanges]

class Torn:
    name = "torn"
    @property
    def limit(self):
        raise FileNotFoundError("its weights are not there")
    def examine(self, exchanges):
        return []
'''


@pytest.fixture
def _detectors(install: Callable[..., Path]) -> None:
    install(SOURCE, nothing="nothing", thorough="Thorough", torn="Torn", gone="Missing")
    install("1 / 0", divided="anything")


@pytest.mark.usefixtures("_detectors")
def test_detectors_are_described_and_broken_ones_hide_no_others() -> None:
    done = CliRunner().invoke(app, ["detectors", "--json"])
    assert done.exit_code == 0, done.output
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert found["nothing"] == {
        "name": "nothing",
        "version": "0",
        "needs": [],
        "limit": 0.5,
        "doc": "Doubts nothing, ever.",
        "error": None,
    }
    assert found["thorough"]["needs"] == ["samples"]
    assert (found["thorough"]["version"], found["thorough"]["limit"]) == ("2.1", 0.25)
    assert "its weights are not there" in found["torn"]["error"]
    assert "Missing" in found["gone"]["error"]
    assert "division by zero" in found["divided"]["error"]


@pytest.mark.usefixtures("_detectors")
def test_detectors_are_listed_for_people() -> None:
    done = CliRunner().invoke(app, ["detectors"])
    assert done.exit_code == 0
    assert "thorough  2.1  limit 0.25  needs samples" in done.stdout
    assert "torn  does not load" in done.stdout


def test_two_packages_with_one_name_are_an_error(install: Callable[..., Path]) -> None:
    install(SOURCE, nothing="nothing")
    install(SOURCE, nothing="nothing")
    done = CliRunner().invoke(app, ["detectors"])
    assert done.exit_code == 1
    assert "two packages offer a detector named 'nothing'" in done.stderr
    assert "pip uninstall" in done.stderr


def test_an_encoding_that_lacks_a_character_is_no_error() -> None:
    done = trustlayer_command("report", "--db", "sqlite:///שלום.db", PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "\\u05e9" in done.stderr
