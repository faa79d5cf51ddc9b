"""From blocks and their findings to outcomes for the audit store."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from trustlayer.bulk.journal import Begun
from trustlayer.bulk.queue import Done
from trustlayer.examination import Examination
from trustlayer.flow import given
from trustlayer.lines import ExchangeLine, FindingsLine, parse_exchange, parse_findings
from trustlayer.outcome import DetectorRecord, Outcome
from trustlayer.policy import Policy


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Judges by *policy* what a run has found.

    An outcome's id follows from the run and its place in it: recorded twice, it is the same.
    """

    policy: Policy
    begun: Begun

    def of(self, done: Done) -> Iterator[Outcome]:
        """One for each answer of the block, in order."""
        answers = zip(done.block.lines, done.lines.split(b"\n"), strict=True)
        for place, (line, found) in enumerate(answers):
            id = self._id(done.block.number, place)
            yield self._outcome(id, parse_exchange(line), parse_findings(found))

    def _outcome(self, id: str, line: ExchangeLine, found: FindingsLine) -> Outcome:
        rules = self._rules()
        examination = Examination(found.findings, tuple(found.unexamined), {})
        attempt = given(rules, line.exchange, examination)
        return Outcome(
            id=id,
            started=self.begun.started,
            seconds=0.0,  # nobody waited for it alone
            prompt=line.exchange.prompt,
            context=line.exchange.context,
            attempts=(attempt,),
            action=attempt.action,
            policy=repr(rules),
            detectors=tuple(_limited(d, rules) for d in self.begun.detectors),
            correlation={"id": str(line.id), "examine": self.begun.run},
        )

    def _rules(self) -> Policy:
        limits = {d.name: d.limit for d in self.begun.detectors if d.limit is not None}
        return self.policy.with_defaults(limits)

    def _id(self, block: int, place: int) -> str:
        name = f"{self.begun.run} {block} {place}".encode("ascii")
        return str(uuid.UUID(bytes=hashlib.sha256(name).digest()[:16], version=4))


def _limited(detector: DetectorRecord, rules: Policy) -> DetectorRecord:
    limit = rules.limit_of(detector.name)
    return DetectorRecord(detector.name, detector.version, detector.options, limit)
