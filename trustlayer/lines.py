"""The JSON lines contract: exchanges in, findings out.

A line to be examined is an object with the members ::

    {"id"?: str | int, "prompt"?: str, "answer": str, "context"?: str | [str],
     "samples"?: [str], "logprobs"?: [float]}

and what was found is ::

    {"id": str | int, "findings": {NAME: {"risk": 0..1, "evidence": [EVIDENCE]}
                                        | {"unexamined": REASON}}}

with ``EVIDENCE = {"start"?: int, "end"?: int, "reason": str}``. *start* and *end* count the
characters (Unicode code points) of the answer, end exclusive; both are left out where the
evidence speaks of the whole answer. The id is the number of the line where none is given. A
member that is null counts as left out, and so does a context that is an empty string. Other
members are ignored and named, so that a misspelt one is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from trustlayer.errors import BadLine
from trustlayer.exchange import Exchange, Span
from trustlayer.finding import Evidence, Finding, Unexamined
from trustlayer.jsonl import Fields, Id, parse_object, write_object

EXCHANGE_KEYS = frozenset({"id", "prompt", "answer", "context", "samples", "logprobs"})
LABEL_KEYS = frozenset(  # see `labels`
    {"label", "dataset", "group", "model", "spans", "propensity", "attempt", "why", "reason", "who"}
)


@dataclass(frozen=True, slots=True)
class ExchangeLine:
    """A line to be examined; *ignored* names members that mean nothing here.

    *numbered* is the line whose id is its number, since it gave none.
    """

    number: int
    id: Id
    exchange: Exchange
    ignored: tuple[str, ...] = ()
    numbered: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class FindingsLine:
    """What was found in the answer of that id."""

    id: Id
    findings: Mapping[str, Finding] = field(default_factory=dict[str, Finding])
    unexamined: Sequence[Unexamined] = ()


def parse_exchange(raw: bytes | str, number: int = 1) -> ExchangeLine:
    """Read a line to be examined; raises BadLine."""
    return exchange_of(Fields(number, parse_object(raw, number)))


def exchange_of(fields: Fields) -> ExchangeLine:
    """The exchange of a line whose JSON is read already; raises BadLine."""
    exchange = Exchange(
        prompt=fields.text("prompt", ""),
        answer=fields.text("answer"),
        context=_context(fields),
        samples=fields.texts("samples"),
        logprobs=_logprobs(fields),
    )
    ignored = [key for key in fields.values if key not in EXCHANGE_KEYS | LABEL_KEYS]
    id = fields.id(fields.number)
    numbered = fields.values.get("id") is None
    return ExchangeLine(fields.number, id, exchange, tuple(ignored), numbered)


def write_exchange(id: Id, exchange: Exchange) -> str:
    """The line, without its end, from which `parse_exchange` reads the same."""
    line: dict[str, object] = {"id": id, "prompt": exchange.prompt, "answer": exchange.answer}
    line |= {name: list(getattr(exchange, name)) for name in ("context", "samples")}
    if exchange.logprobs is not None:
        line["logprobs"] = list(exchange.logprobs)
    return write_object(line)


def parse_findings(raw: bytes | str, number: int = 1) -> FindingsLine:
    """Read what `write_findings` wrote; raises BadLine."""
    fields = Fields(number, parse_object(raw, number))
    if fields.values.get("id") is None:
        raise BadLine(number, "no 'id'", "the id of the answer, a string or an integer")
    named = fields.within("findings", fields.values.get("findings"))
    found = {name: _found(named, name) for name in named.values}
    return FindingsLine(
        fields.id(number),
        {name: f for name, f in found.items() if isinstance(f, Finding)},
        tuple(f for f in found.values() if isinstance(f, Unexamined)),
    )


def write_findings(
    id: Id, findings: Mapping[str, Finding], unexamined: Sequence[Unexamined] = ()
) -> str:
    """The output line, without its end."""
    return write_object({"id": id, "findings": findings_object(findings, unexamined)})


def findings_object(
    findings: Mapping[str, Finding], unexamined: Sequence[Unexamined] = ()
) -> dict[str, object]:
    """The findings by name of detector, sorted, as JSON knows them."""
    found: dict[str, object] = {name: _finding_object(f) for name, f in findings.items()}
    found |= {failure.detector: {"unexamined": failure.reason} for failure in unexamined}
    return {name: found[name] for name in sorted(found)}


def _context(fields: Fields) -> tuple[str, ...]:
    value = fields.values.get("context")
    if isinstance(value, str):
        return (value,) if value.strip() else ()
    if value is not None and not isinstance(value, list):
        fields.refuse("context", value, "a string or a list of strings")
    return fields.texts("context")


def _logprobs(fields: Fields) -> tuple[float, ...] | None:
    values = fields.numbers("logprobs")
    for position, value in enumerate(values or ()):
        if value > 0.0:
            name = f"logprobs[{position}]"
            fields.refuse(name, value, "the logarithm of a probability, 0 or less")
    return values


def _finding_object(finding: Finding) -> dict[str, object]:
    # float and int: a detector may have put numbers of numpy's there, which json refuses.
    evidence = [_evidence_object(e) for e in finding.evidence]
    return {"risk": float(finding.risk), "evidence": evidence}


def _evidence_object(evidence: Evidence) -> dict[str, object]:
    if evidence.span is None:
        return {"reason": str(evidence.reason)}
    start, end = int(evidence.span.start), int(evidence.span.end)
    return {"start": start, "end": end, "reason": str(evidence.reason)}


def _found(named: Fields, name: str) -> Finding | Unexamined:
    fields = named.within(name, named.values[name])
    if "unexamined" in fields.values:
        return Unexamined(name, fields.text("unexamined"))
    risk = fields.real("risk", fields.values.get("risk"))
    if not 0.0 <= risk <= 1.0:
        fields.refuse("risk", risk, "a risk from 0 to 1")
    return Finding(risk, tuple(_evidence(fields, item) for item in fields.items("evidence")))


def _evidence(fields: Fields, item: object) -> Evidence:
    given = fields.within("evidence", item)
    reason = given.text("reason")
    return Evidence(reason, span_of(given) if given.values.get("start") is not None else None)


def span_of(fields: Fields) -> Span:
    """The span from the members ``start`` and ``end``; raises BadLine."""
    start, end = fields.whole("start"), fields.whole("end")
    if not 0 <= start <= end:
        raise BadLine(fields.number, f"a span from {start} to {end}", "0 <= start <= end")
    return Span(start, end)
