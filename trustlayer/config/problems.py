"""What is wrong in a configuration file: where, what was found, what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trustlayer.config.places import Path
from trustlayer.errors import TrustlayerError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong; *line* counts from 1, *key* is dotted, *advice* tells how to mend it."""

    line: int
    key: str
    told: str
    advice: str = ""


class BadConfig(TrustlayerError):
    """A configuration file cannot be used; `problems` has everything that is wrong with it."""

    def __init__(self, file: str, problems: Sequence[Problem]) -> None:
        super().__init__(file, tuple(problems))
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        for problem in self.problems:
            if problem.advice:
                where = f" (line {problem.line})" if len(self.problems) > 1 else ""
                self.add_note(f"{problem.advice}{where}")

    def __str__(self) -> str:
        return "\n".join(self._line(problem) for problem in self.problems)

    def _line(self, problem: Problem) -> str:
        key = f"{problem.key}: " if problem.key else ""
        return f"{self.file}:{problem.line}: {key}{problem.told}"


def dotted(path: Path) -> str:
    """The *path* as it would be written in TOML, arrays counted from 1: ``models[2].price``."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text
