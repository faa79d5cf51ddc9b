"""What a worker does, wherever it runs: lines of exchanges in, lines of findings out."""

from __future__ import annotations

from collections.abc import Sequence

from trustlayer.bulk.recipes import Recipe, recorded
from trustlayer.examination import examine
from trustlayer.finding import Detector, Unexamined
from trustlayer.forgetting import forget_all
from trustlayer.lines import parse_exchange, write_findings
from trustlayer.outcome import DetectorRecord


class Examiner:
    """Detectors made once, for many blocks."""

    def __init__(self, recipes: Sequence[Recipe], timeout: float | None = None) -> None:
        self._recipes = tuple(recipes)
        self._timeout = timeout
        self._made: list[Detector] | None = None

    @property
    def detectors(self) -> list[Detector]:
        """Raises what `trustlayer.load` raises."""
        if self._made is None:
            self._made = [recipe.made() for recipe in self._recipes]
        return self._made

    @property
    def records(self) -> tuple[DetectorRecord, ...]:
        return recorded(self.detectors)

    def examine(self, payload: bytes) -> bytes:
        """The findings for a block's lines, a line each; see `Block.payload`.

        What detectors remember of earlier blocks is dropped: what is found must depend on the
        block alone.
        """
        lines = [parse_exchange(raw) for raw in payload.split(b"\n")]
        forget_all()
        found = examine(self.detectors, [line.exchange for line in lines], self._timeout)
        written = (
            write_findings(line.id, f.findings, f.unexamined)
            for line, f in zip(lines, found, strict=True)
        )
        return "\n".join(written).encode("ascii")


def unexamined(payload: bytes, names: Sequence[str], reason: str) -> bytes:
    """What is written for a block that no worker survived."""
    failures = [Unexamined(name, reason) for name in names]
    ids = [parse_exchange(raw).id for raw in payload.split(b"\n")]
    return "\n".join(write_findings(id, {}, failures) for id in ids).encode("ascii")
