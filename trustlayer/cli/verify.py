"""``trustlayer verify``: one given answer, examined, judged and recorded."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustlayer.cli._options import (
    DEFAULT_DB,
    AsJson,
    ConfigFile,
    Database,
    DetectorNames,
    Timeout,
    by_default,
    configured,
    configured_detectors,
    detectors_named,
    option,
)
from trustlayer.cli._store import for_recording, shown
from trustlayer.cli._terminal import NOT_ACCEPTED, OK, examples, out, say
from trustlayer.cli._view import verdict_view
from trustlayer.config import FILE
from trustlayer.config import texts as texts_of
from trustlayer.config import verifier as verifier_of
from trustlayer.exchange import Exchange
from trustlayer.finding import Detector
from trustlayer.objects import verdict_object
from trustlayer.outcome import Outcome
from trustlayer.policy import Action, Policy
from trustlayer.verifier import Verifier

if TYPE_CHECKING:
    from trustlayer.audit.texts import Texts

EPILOG = examples(
    "trustlayer verify --prompt 'How tall is it?' --answer '195 m.' --context page.txt",
    "trustlayer verify --answer-file answer.txt --context a.txt --context b.txt --json",
    "ask-a-model | trustlayer verify --answer - --context page.txt --limit grounding=0.3",
    codes="0 accepted; 3 not accepted; 2 wrong usage; 1 could not run",
)
UNGIVEN = {"samples", "logprobs"}  # there is no option for them


def verify(
    ctx: typer.Context,
    prompt: Annotated[str, option(metavar="TEXT", help="What was asked.")] = "",
    answer: Annotated[
        str | None, option(metavar="TEXT", help="What was answered; - reads stdin.")
    ] = None,
    answer_file: Annotated[
        str | None, option(metavar="FILE", help="Read the answer from here instead.")
    ] = None,
    context: Annotated[
        list[str] | None,
        option(metavar="FILE", help="A passage that it may rest on; may be repeated."),
    ] = None,
    detector: DetectorNames = None,
    limit: Annotated[
        list[str] | None,
        option(metavar="NAME=X", help="The risk up to which a detector lets an answer pass."),
    ] = None,
    timeout: Timeout = 60.0,
    config: ConfigFile = None,
    db: Database = DEFAULT_DB,
    as_json: AsJson = False,
) -> None:
    """Examine one answer, show what is doubtful in it and why, and record the outcome."""
    exchange = Exchange(prompt, _answer(answer, answer_file, context), _passages(context))
    verifier = verifier_in_force(config, detector, limit)
    if verifier.timeout is None or not by_default(ctx, "timeout"):
        verifier = replace(verifier, timeout=timeout)
    with for_recording(db, texts_in_force(config)) as store:
        [outcome] = replace(verifier, store=store).settle_all([exchange])
    _show_json(outcome, db) if as_json else _show(outcome, db)
    raise typer.Exit(OK if outcome.action is Action.ACCEPT else NOT_ACCEPTED)


def verifier_in_force(
    file: str | None, names: Sequence[str] | None, limits: Sequence[str] | None
) -> Verifier:
    """The verifier of the configuration, if there is one, but for what the options say."""
    config = configured(file)
    if config is None:
        detectors = _fitting(names)
        policy = Policy(limits=_limits(limits, detectors))
        return Verifier(detectors, policy=policy, timeout=None)
    made = verifier_of(config, asking=False)
    detectors = list(made.detectors) if not names else configured_detectors(made, names)
    given = _limits(limits, detectors)
    if given and made.policy.certificate is not None:
        raise typer.BadParameter(f"--limit: the limits of {file or FILE} are certified")
    policy = replace(made.policy, limits={**made.policy.limits, **given})
    return replace(made, detectors=detectors, policy=policy)


def texts_in_force(file: str | None) -> Texts | None:
    """What the configuration, if there is one, wants its store to keep of texts."""
    config = configured(file)
    return None if config is None else texts_of(config)


def _answer(answer: str | None, file: str | None, context: Sequence[str] | None) -> str:
    if (answer is None) == (file is None):
        raise typer.BadParameter("give either --answer TEXT or --answer-file FILE")
    if "-" not in (answer, file):
        text = _read(file) if file is not None else answer or ""
    elif "-" in (context or ()):
        raise typer.BadParameter("stdin cannot be both the answer and the context")
    else:
        text = _read("-")
    if not text.strip():
        raise typer.BadParameter("the answer is empty: there is nothing to verify")
    return text


def _passages(files: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(_read(file) for file in files or ())


def _read(file: str) -> str:
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(
            f"{file}: found the byte 0x{data[error.start]:02x} at position {error.start + 1}; "
            "expected text in UTF-8"
        ) from error


def _fitting(names: Sequence[str] | None) -> list[Detector]:
    """The detectors asked for by name, or those that need nothing which cannot be given here."""
    loaded = detectors_named(names)
    unfit = [d.name for d in loaded if any(map(_ungiven, getattr(d, "needs", ())))]
    if names or not unfit:
        return loaded
    say(f"not used, as samples or logprobs cannot be given here: {', '.join(unfit)}", "note")
    fitting = [d for d in loaded if d.name not in unfit]
    if not fitting:
        raise typer.BadParameter("no detector is left to examine with")
    return fitting


def _ungiven(need: str) -> bool:
    return UNGIVEN.issuperset(need.split("|"))


def _limits(given: Sequence[str] | None, detectors: Sequence[Detector]) -> dict[str, float]:
    names = [d.name for d in detectors]
    limits: dict[str, float] = {}
    for text in given or ():
        name, _, number = text.partition("=")
        if name not in names:
            known = ", ".join(names)
            raise typer.BadParameter(f"--limit {text}: {name!r} is not among them: {known}")
        limits[name] = _limit(text, number)
    return limits


def _limit(text: str, number: str) -> float:
    try:
        limit = float(number)
    except ValueError:
        limit = -1.0
    if not 0.0 <= limit <= 1.0:
        raise typer.BadParameter(f"--limit {text}: expected NAME=X with X from 0 to 1")
    return limit


def _show(outcome: Outcome, db: str) -> None:
    limits = {d.name: d.limit for d in outcome.detectors}
    for verdict in outcome.verdicts:
        out().print(verdict_view(verdict, limits))
    out().print(f"\nrecorded as {outcome.id} in {shown(db)}", style="dim", markup=False)


def _show_json(outcome: Outcome, db: str) -> None:
    [verdict] = outcome.verdicts
    limits = {d.name: d.limit for d in outcome.detectors}
    made = {"id": outcome.id, **verdict_object(verdict), "limits": limits, "db": shown(db)}
    typer.echo(json.dumps(made, indent=2))
