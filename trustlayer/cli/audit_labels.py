"""``trustlayer audit sample``, ``label`` and ``export``: what people say of recorded answers."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trustlayer.cli._options import DEFAULT_DB, Database, argument, option
from trustlayer.cli._reading import opened
from trustlayer.cli._store import for_reading, shown
from trustlayer.cli._terminal import say
from trustlayer.cli.audit import EPILOG, app
from trustlayer.cli.report import scope_of
from trustlayer.errors import BadLine
from trustlayer.policy import Action


class Word(StrEnum):
    """What a person says of an answer."""

    GOOD = "good"
    BAD = "bad"


class By(StrEnum):
    """What the chance of being drawn follows."""

    RISK = "risk"
    UNIFORM = "uniform"


Output = Annotated[
    Path | None, option("--output", "-o", metavar="FILE", help="Write the lines here instead.")
]


@app.command(epilog=EPILOG)
def sample(
    n: Annotated[int, option("--n", min=1, help="How many outcomes to draw.")] = 50,
    design: Annotated[
        By, option(help="More often where the risk is doubtful, or all alike.")
    ] = By.RISK,
    action: Annotated[Action, option(help="From outcomes that ended so.")] = Action.ACCEPT,
    since: Annotated[
        str | None, option(metavar="WHEN", help="Only later outcomes: 90m, 12h, 7d, 4w, a date.")
    ] = None,
    until: Annotated[
        str | None, option(metavar="WHEN", help="Only earlier outcomes; the same forms.")
    ] = None,
    model: Annotated[str | None, option(metavar="NAME", help="Only answers of this model.")] = None,
    seed: Annotated[int | None, option(min=0, help="To draw the same again.")] = None,
    output: Output = None,
    db: Database = DEFAULT_DB,
) -> None:
    """Draw outcomes to be labelled, log how probable each was, print them as lines to fill in."""
    from trustlayer.audit import labelling, samples
    from trustlayer.drawing import Design

    scope = scope_of(since, until, None, model)
    drawn_by = secrets.randbelow(2**32) if seed is None else seed
    with for_reading(db) as store:
        try:
            made = samples.sample(
                store, n, Design(design.value), scope, action=action, seed=drawn_by
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        wanted = {draw.outcome for draw in made.drawn}
        found = [one for one in labelling.to_label(store) if one.outcome in wanted]
    _write(map(str, found), output)
    known = len(made.drawn) - len(found)
    told = f"{len(made.drawn)} of {made.frame.size} outcomes, by {design.value}, seed {drawn_by}"
    say(told + (f"; {known} are labelled or erased already" if known else ""), "drawn", "bold")


@app.command(epilog=EPILOG)
def label(
    id: Annotated[
        str | None, argument(metavar="ID", help="The outcome's id, or its beginning.")
    ] = None,
    word: Annotated[Word | None, argument(help="What you say of its answer.")] = None,
    reason: Annotated[str, option(help="Why.")] = "",
    attempt: Annotated[
        int | None, option(min=1, help="Which attempt's answer, from 1; else the best one.")
    ] = None,
    lines: Annotated[
        str | None,
        option(metavar="FILE.jsonl", help="Lines of 'audit sample' with their labels; - is stdin."),
    ] = None,
    by: Annotated[str, option(metavar="NAME", envvar="USER", help="Who says so.")] = "",
    db: Database = DEFAULT_DB,
) -> None:
    """Say that a recorded answer is good, or bad; an earlier word on it stays, and is overruled."""
    if lines is not None:
        _label_lines(lines, by, db)
        return
    if id is None or word is None:
        raise typer.BadParameter("name an outcome and say good or bad, or give --lines FILE")
    from trustlayer.audit import labels

    with for_reading(db) as store:
        outcome = store.outcome(id)
        number = labels.chosen(outcome) if attempt is None else attempt - 1
        said = labels.Label(outcome.id, number or 0, word is Word.BAD, by, reason)
        labels.record_label(store, said)
    typer.echo(f"{said.outcome}, attempt {said.attempt + 1}: {word}")


@app.command(epilog=EPILOG)
def export(
    labelled: Annotated[
        bool,
        option(
            "--labelled/--to-label",
            help="Labelled answers, or those drawn or held that nobody has labelled.",
        ),
    ] = True,
    output: Output = None,
    db: Database = DEFAULT_DB,
) -> None:
    """Print answers as lines: labelled ones for calibrate, evaluate and train, or the queue."""
    from trustlayer.audit import labelling

    with for_reading(db) as store:
        found = labelling.lines(store) if labelled else map(str, labelling.to_label(store))
        _write(found, output)


def _label_lines(path: str, by: str, db: str) -> None:
    from trustlayer.audit import labelling

    with for_reading(db) as store, opened(path) as source:
        try:
            number = labelling.record_lines(store, source.file, by)
        except BadLine as error:
            error.add_note("the labels of the lines before it are recorded")
            raise
    typer.echo(f"labels recorded in {shown(db)}: {number}")


def _write(lines: Iterable[str], output: Path | None) -> None:
    if output is None:
        for line in lines:
            sys.stdout.write(line + "\n")
        return
    with output.open("w", encoding="ascii", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)
