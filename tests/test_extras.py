"""Without its packages, an extra is named by whatever needs it; `extras.sh` installs each."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.probe import PARTS

ROOT = Path(__file__).resolve().parent.parent
ABSENT = [
    "torch",
    "transformers",
    "sentence_transformers",
    "guardrails",
    "langchain",
    "langgraph",
    "litellm",
    "opentelemetry",
    "langchain_openai",
    "psycopg",
    "psycopg2",
    "pyarrow",
    "ray",
    "fastapi",
    "cryptography",
    "presidio_analyzer",
    "matplotlib",
]
PROGRAM = f"""
import sys
for name in {ABSENT!r}:
    sys.modules[name] = None
from tests.probe import main
sys.exit(main([]))
"""


def test_what_is_missing_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
    )
    told = dict(line.split(maxsplit=3)[1::2] for line in done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert told == {extra: f"names trustlayer[{extra}]" for extra in PARTS}


@pytest.mark.checkout
def test_every_extra_is_probed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = set(project["optional-dependencies"]) - {"all", "dev", "docs"}
    assert extras == set(PARTS)
    listed = (ROOT / "tests" / "extras.sh").read_text("utf-8")
    assert all(f" {extra}" in listed for extra in extras)
