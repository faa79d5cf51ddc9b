"""Is the answer itself abusive: toxic, insulting, hateful, obscene, threatening, sexual?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from trustlayer import Evidence, Exchange, Finding, Unexamined
from trustlayer_detectors._pointing import words
from trustlayer_detectors._safety import LABELS, Reading, by_text, read, reread, version

ABUSE = LABELS[:6]
_SHOWN = 100  # pieces of evidence; more of them would help nobody


@dataclass(frozen=True, slots=True)
class Toxicity:
    """Finds abusive language in the answer, whatever the prompt was.

    The risk is the largest calibrated probability among *labels*, over all parts of the
    answer; the evidence names the label and marks the words. Reads English only. Words that
    are quoted, reported or contradicted are meant to pass. *weights* is the folder that
    `trustlayer train toxicity --into` wrote, the bundled ones where it is left empty.
    """

    name: str = field(default="toxicity", init=False, repr=False)
    needs: tuple[str, ...] = field(default=(), init=False, repr=False)
    labels: tuple[str, ...] = ABUSE
    limit: float = 0.5  # from weights/safety/card.json
    weights: str = ""

    def __post_init__(self) -> None:
        if not self.labels or set(self.labels) - set(ABUSE):
            raise ValueError(f"labels must be some of {', '.join(ABUSE)}; got {self.labels}")

    @property
    def version(self) -> str:
        """The beginning of the hash of the weights."""
        return version(self.weights)

    def examine(self, exchanges: Sequence[Exchange], /) -> list[Finding | Unexamined]:
        answers = [exchange.answer for exchange in exchanges]
        found = by_text(read(answers, root=self.weights), self.name, len(answers))
        return [f if isinstance(f, Unexamined) else self._finding(f) for f in found]

    def _finding(self, readings: Sequence[Reading]) -> Finding:
        risk = max(reading.risk(label) for reading in readings for label in self.labels)
        evidence = [found for reading in readings for found in self._evidence(reading)]
        return Finding(risk, tuple(evidence[:_SHOWN]))

    def _evidence(self, reading: Reading) -> Iterator[Evidence]:
        found = [label for label in self.labels if reading.risk(label) > self.limit]
        sentences = reread(reading, self.weights) if found else []
        for label in found:
            reason = f"{label} {reading.risk(label):.2f}"
            top = max(sentence.risk(label) for sentence in sentences)
            for sentence in sentences:
                if sentence.risk(label) >= min(top, self.limit):
                    for span in words(sentence.window.pieces, sentence.added(label)):
                        yield Evidence(reason, span)
