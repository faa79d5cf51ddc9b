"""``trustlayer calibrate``: from labelled answers to limits with a guarantee."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from trustlayer.calibration import Goal, Labelled
from trustlayer.calibration import calibrate as certify
from trustlayer.certificate import Certificate
from trustlayer.cli._options import AsJson, DetectorNames, argument, detectors_named, option
from trustlayer.cli._reading import opened
from trustlayer.cli._store import for_recording, shown
from trustlayer.cli._terminal import NOT_ACCEPTED, USAGE, err, examples, out, say, tell
from trustlayer.errors import Uncertifiable
from trustlayer.finding import Detector
from trustlayer.jsonl import Fields, rows
from trustlayer.labelled import given_risks, labelled, parse_labelled
from trustlayer.registry import available, load
from trustlayer.runs import record_of

EPILOG = examples(
    "trustlayer calibrate labels.jsonl --risk 0.05 --confidence 0.9 --output cert.json",
    "trustlayer calibrate labels.jsonl --output cert.json --db sqlite:///audit.db",
    "trustlayer calibrate labels.jsonl --detector grounding --group-by language --json",
    """echo '{"label": 0, "risks": {"grounding": 0.1}}' | trustlayer calibrate -""",
    Lines="""\
in  {"label": 1 bad | 0 good, "answer", "prompt"?, "context"?, ...} as for trustlayer examine, or
    {"label": 1 | 0, "risks": {NAME: 0..1}} where the answers were examined before, by the
    detectors as they are installed here""",
    codes="0 a certificate was issued; 3 the labels do not suffice, nothing was issued; 1 a line "
    "was bad, or it could not run; 2 wrong usage.",
)


def calibrate(
    source: Annotated[
        str, argument(metavar="LABELS.jsonl", help="JSON lines, may be gzipped; - is stdin.")
    ],
    risk: Annotated[
        float, option(help="At most this share of what is accepted may be bad.")
    ] = 0.05,
    confidence: Annotated[float, option(help="The probability with which that has to hold.")] = 0.9,
    false_alarms: Annotated[
        float, option(help="The share of clean answers that may exceed the alarm limits.")
    ] = 0.05,
    detector: DetectorNames = None,
    group_by: Annotated[
        str | None,
        option(metavar="FIELD", help="Certify every group by itself, named in this field."),
    ] = None,
    streamed: Annotated[
        bool,
        option("--streamed", help="For streams: the risk is that of an answer's worst beginning."),
    ] = False,
    output: Annotated[
        Path | None, option("--output", "-o", metavar="CERT.json", help="Keep it here.")
    ] = None,
    db: Annotated[
        str | None,
        option("--db", metavar="URL", help="Put it into this audit store, too."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find limits such that at most RISK of the accepted answers are bad, and certify them.

    The promise holds for answers drawn like the labelled ones, examined by the same versions of
    the same detectors. Labels that do not suffice certify nothing.
    """
    goal = _goal(risk, confidence, false_alarms)
    answers, versions = _examined(_read(source), detector, group_by, streamed)
    try:
        certificate = certify(
            answers, versions, goal, by_group=group_by is not None, streamed=streamed
        )
    except Uncertifiable as error:
        tell(error, "nothing is certified", "bold yellow")
        raise typer.Exit(NOT_ACCEPTED) from error
    if output is not None:
        output.write_text(certificate.to_json() + "\n", encoding="utf-8")
    if db is not None:
        _store(certificate, db)
    if as_json:
        typer.echo(certificate.to_json())
    else:
        _show(certificate)


def _store(certificate: Certificate, url: str) -> None:
    from trustlayer.audit.certificates import put_certificate

    with for_recording(url) as store:
        digest = put_certificate(store, certificate)
    err().print(f"stored as {digest.hex()[:16]} in {shown(url)}", style="dim")


def _goal(risk: float, confidence: float, false_alarms: float) -> Goal:
    try:
        return Goal(risk, confidence, false_alarms)
    except ValueError as error:
        tell(error)
        raise typer.Exit(USAGE) from error


def _read(source: str) -> list[Fields]:
    with opened(source) as given:
        return [parse_labelled(row.raw, row.number) for row in rows(given.file)]


def _examined(
    lines: Sequence[Fields], asked: Sequence[str] | None, group_by: str | None, streamed: bool
) -> tuple[list[Labelled], dict[str, str]]:
    """The labelled answers, and the versions of the detectors that their risks are from."""
    given = given_risks(lines)
    if given is None:
        detectors = detectors_named(asked)
        versions = _versions(detectors)
        return labelled(lines, list(versions), detectors, group_by, streamed=streamed), versions
    names = list(asked or given)
    installed = _versions([load(name) for name in names if name in available()])
    return labelled(lines, names, (), group_by), dict.fromkeys(names, "unknown") | installed


def _versions(detectors: Sequence[Detector]) -> dict[str, str]:
    return {record.name: record.version for record in map(record_of, detectors)}


def _show(certificate: Certificate) -> None:
    out().print(
        f"At most {certificate.risk:g} of the accepted answers are bad, with probability "
        f"{certificate.confidence:g}, by {certificate.labels} labels ({certificate.bad} bad)."
    )
    table = Table("group", "detector", "limit", "alarm limit", "accepted", "of", "bad", "coverage")
    for group, bound in certificate.bounds.items():
        for name, limit in bound.limits.items():
            alarm = "-" if bound.alarms is None else f"{bound.alarms[name]:.4f}"
            counts = (f"{bound.accepted}", f"{bound.calibration}", f"{bound.bad}")
            detector = f"{name} {certificate.detectors[name]}"
            limits = (f"{limit:.4f}", alarm)
            table.add_row(group or "all", detector, *limits, *counts, f"{bound.coverage:.3f}")
    out().print(table)
    for group, reason in certificate.uncertified.items():
        say(f"{group!r}: {reason}", "not certified")
    err().print(f"labels {certificate.data[:19]}…", style="dim")
