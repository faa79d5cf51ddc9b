"""Further answers to the same question: from whom, and for which detectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from trustlayer.examination import Examination
from trustlayer.finding import Finding, Unexamined
from trustlayer.model import Ask, Model, Request

SAMPLED = frozenset({"uncertainty", "agreement", "semantic_entropy", "selfcheck"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Ask for *count* more answers where they may change what becomes of an answer.

    They may when nothing else speaks against it, and it has no context to rest on, or only
    detectors that live on samples examine it, or its risk is *clear* or more, on the policy's
    scale (a detector's limit is at 0.5). *serves* names the detectors that live on samples:
    where none are worth their cost, these need not examine. *models* are asked in turn;
    without them, the one that answered is asked again, which teaches something only if it
    does not decode greedily.
    """

    count: int = 5
    clear: float = 0.25
    serves: frozenset[str] = SAMPLED
    models: tuple[Model, ...] = ()

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"count must be 1 or more, got {self.count}")
        if not 0.0 <= self.clear <= 1.0:
            raise ValueError(f"clear must lie in [0, 1], got {self.clear}")
        if isinstance(self.serves, str):
            raise TypeError(f"serves must be a set of names, got the str {self.serves!r}")

    def asks(
        self, model: Model, request: Request, patience: float | None = None
    ) -> tuple[Ask, ...]:
        """The questions to put at the same time, *model* being the one that answered.

        *patience* is how many seconds an answer is waited for.
        """
        models = self.models or (model,)
        turns = (models[n % len(models)] for n in range(self.count))
        return tuple(Ask(model, request, patience=patience) for model in turns)

    def others(self, findings: Mapping[str, Finding]) -> dict[str, Finding]:
        """The findings that samples cannot change."""
        return {name: found for name, found in findings.items() if name not in self.serves}

    def missed(self, examination: Examination, reason: str) -> Examination:
        """What is left of *examination* when the samples that were wanted did not come.

        The detectors that live on them have not examined the answer, whatever they said.
        """
        failures = {failure.detector: failure for failure in examination.unexamined}
        served = [name for name in {**examination.findings, **failures} if name in self.serves]
        failures |= {name: Unexamined(name, f"sampling failed: {reason}") for name in served}
        findings = self.others(examination.findings)
        return replace(examination, findings=findings, unexamined=tuple(failures.values()))
