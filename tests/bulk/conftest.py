"""Detectors of the tests' own, for this process and for workers anywhere on this machine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SOURCE = '''
import os, re, signal, time
from pathlib import Path
from trustlayer import Evidence, Exchange, Finding, Span, detector

@detector
def shouting(exchange: Exchange) -> Finding:
    """Doubts words in capitals."""
    spans = [Span(*found.span()) for found in re.finditer(r"[A-Z]{4,}", exchange.answer)]
    return Finding(min(1.0, len(spans) / 2), tuple(Evidence("shouted", span) for span in spans))

@detector
def slow(exchange: Exchange) -> Finding:
    time.sleep(0.01)
    return Finding(0.0)

@detector
def deadly(exchange: Exchange) -> Finding:
    """Ends its process over "die", and over "die once FILE" where FILE does not exist yet."""
    found = re.match("die(?: once (.+))?", exchange.answer)
    if found and not (found[1] and Path(found[1]).exists()):
        if found[1]:
            Path(found[1]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Finding(0.1)

class Together:
    """Its risk depends on what is examined beside, as that of quantised models does."""
    name = "together"
    version = "3"
    def __init__(self, shift: int = 0) -> None:
        self.shift = shift
    def __repr__(self) -> str:
        return f"Together(shift={self.shift})"
    def examine(self, exchanges):
        length = sum(len(e.answer) + len(e.context) + self.shift for e in exchanges)
        return [Finding(1 / (1 + (length + place) % 97)) for place, _ in enumerate(exchanges)]
'''
OFFERED = {name: name for name in ("shouting", "slow", "deadly")} | {"together": "Together"}


@pytest.fixture
def detectors(install: Callable[..., Path]) -> Path:
    """Install them; returns the folder that workers find them in."""
    return install(SOURCE, **OFFERED)


def write(path: Path, answers: list[Any]) -> Path:
    """A file of JSON lines; what is no string stands there as it is."""
    rows = [{"answer": answer} if isinstance(answer, str) else answer for answer in answers]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
