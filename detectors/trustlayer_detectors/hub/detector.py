"""A detector around a model of the user's choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trustlayer import Exchange, Finding, Unexamined
from trustlayer_detectors.hub.heads import Head
from trustlayer_detectors.hub.loading import Loaded, Source, load
from trustlayer_detectors.hub.reading import LEAST_WINDOW, room

Device = Literal["auto", "cpu", "cuda", "mps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformersDetector:
    """Examines with the Hugging Face *model* of an id or a folder; needs the extra ``models``.

    *head* says what kind of model it is, what it is shown, and which of its labels are unsound:
    `Tokens`, `Pair`, `Text` or `Guard`. *dtype* is the name of a torch type, or "auto" for
    the one that the weights are stored in. Nothing is fetched unless *local_files_only* is
    False; code that comes with a model is never run.
    """

    model: str
    head: Head
    name: str = "transformers"
    version: str = "0"
    limit: float | None = None
    device: Device = "auto"
    dtype: str = "float32"
    batch_size: int = 16
    revision: str | None = None
    local_files_only: bool = True

    @property
    def needs(self) -> tuple[str, ...]:
        return self.head.needs

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        loaded = load(
            Source(self.model, self.revision, self.local_files_only),
            self.head.architecture,
            self.device,
            self.dtype,
        )
        lacks = [_lacking(exchange, self.needs, loaded) for exchange in exchanges]
        able = [e for e, reason in zip(exchanges, lacks, strict=True) if reason is None]
        findings = iter(self.head.findings(loaded, able, self.batch_size) if able else [])
        return [Unexamined(self.name, r) if r is not None else next(findings) for r in lacks]


def _lacking(exchange: Exchange, needs: Sequence[str], loaded: Loaded) -> str | None:
    if not exchange.answer.strip():
        return "empty answer"
    if missing := [name for name in needs if not getattr(exchange, name)]:
        return f"no {' and no '.join(missing)} to examine the answer with"
    if (left := room(loaded, exchange)) < (LEAST_WINDOW if needs else 0):
        return f"the answer is longer than the model can read, by {-left + LEAST_WINDOW} tokens"
    return None
