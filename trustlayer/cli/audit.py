"""``trustlayer audit``: whether the store is as it was recorded, and texts erased from it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trustlayer.cli._options import DEFAULT_DB, Database, argument, option
from trustlayer.cli._store import for_reading, shown
from trustlayer.cli._terminal import NOT_ACCEPTED, Commands, err, examples, visible
from trustlayer.cli.report import since_time

EPILOG = examples(
    "trustlayer audit anchor > anchors.jsonl",
    "trustlayer audit verify --anchors anchors.jsonl",
    "trustlayer audit retain --older-than 90d",
    "trustlayer audit erase user 4711",
    "trustlayer audit label 3f2a91 bad --reason 'the year is wrong'",
    "trustlayer audit export > labels.jsonl && trustlayer calibrate labels.jsonl",
    codes="0 done, nothing is wrong; 3 rows are not as recorded; 1 could not run; 2 wrong usage",
)

app = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode="rich", epilog=EPILOG)


class Word(StrEnum):
    """What a person says of an answer."""

    GOOD = "good"
    BAD = "bad"


@app.callback()
def audit() -> None:
    """See that nothing was changed since it was recorded; label answers; erase texts."""


@app.command(epilog=EPILOG)
def verify(
    anchors: Annotated[
        Path | None,
        option(exists=True, dir_okay=False, help="What 'audit anchor' printed some time ago."),
    ] = None,
    db: Database = DEFAULT_DB,
) -> None:
    """Hash every row again and name those that were changed, removed, inserted or moved.

    Without anchors from elsewhere it cannot tell when all of a chain's end was forged.
    """
    from trustlayer.audit import anchors as files
    from trustlayer.audit import reports, verification

    kept = list(files.read(anchors.read_text("utf-8").splitlines())) if anchors else []
    flaws = 0
    with for_reading(db) as store:
        for flaw in verification.verify(store, kept):
            typer.echo(visible(f"{flaw.table}: {flaw.row} {flaw.what}"))
            flaws += 1
        outcomes = reports.totals(store).outcomes
    if flaws:
        err().print(f"not as it was recorded in {shown(db)}: {flaws} row(s)", style="bold red")
        raise typer.Exit(NOT_ACCEPTED)
    against = f" and as {len(kept)} anchor(s) say" if kept else ""
    typer.echo(f"as recorded{against} in {shown(db)}: {outcomes} outcome(s)")


@app.command(epilog=EPILOG)
def anchor(db: Database = DEFAULT_DB) -> None:
    """Print the head of every chain, as JSON lines, to be kept where no writer can reach it."""
    from trustlayer.audit import anchors as files
    from trustlayer.audit import verification

    with for_reading(db) as store:
        for line in files.written(verification.heads(store)):
            typer.echo(line)


@app.command(epilog=EPILOG)
def retain(
    older_than: Annotated[
        str, option(metavar="WHEN", help="Texts of earlier outcomes go: 90d, 52w, a date.")
    ],
    db: Database = DEFAULT_DB,
) -> None:
    """Erase the texts of old outcomes; what was decided, and the hashes, stay."""
    from trustlayer.audit import erasing

    with for_reading(db) as store:
        erased = erasing.retain(store, since_time(older_than))
    typer.echo(f"texts erased from {shown(db)}: those of {erased} outcome(s)")


@app.command(epilog=EPILOG)
def erase(
    name: Annotated[str, argument(metavar="NAME", help="Of a correlation id, such as user.")],
    value: Annotated[str, argument(metavar="VALUE", help="Whose texts are to go.")],
    db: Database = DEFAULT_DB,
) -> None:
    """Erase the texts of all outcomes with that correlation id, such as a person's."""
    from trustlayer.audit import erasing

    with for_reading(db) as store:
        erased = erasing.erase(store, name, value)
    typer.echo(f"texts erased from {shown(db)}: those of {erased} outcome(s)")


@app.command(epilog=EPILOG)
def label(
    id: Annotated[str, argument(metavar="ID", help="The outcome's id, or its beginning.")],
    word: Annotated[Word, argument(help="What you say of its answer.")],
    reason: Annotated[str, option(help="Why.")] = "",
    attempt: Annotated[
        int | None, option(min=1, help="Which attempt's answer, from 1; else the best one.")
    ] = None,
    by: Annotated[str, option(metavar="NAME", envvar="USER", help="Who says so.")] = "",
    db: Database = DEFAULT_DB,
) -> None:
    """Say that a recorded answer is good, or bad; an earlier word on it stays, and is overruled."""
    from trustlayer.audit import labels

    with for_reading(db) as store:
        outcome = store.outcome(id)
        number = labels.chosen(outcome) if attempt is None else attempt - 1
        said = labels.Label(outcome.id, number or 0, word is Word.BAD, by, reason)
        labels.record_label(store, said)
    typer.echo(f"{said.outcome}, attempt {said.attempt + 1}: {word}")


@app.command(epilog=EPILOG)
def export(db: Database = DEFAULT_DB) -> None:
    """Print every labelled answer as a line that calibrate and evaluate take."""
    from trustlayer.audit import labels

    with for_reading(db) as store:
        for found in labels.labelled(store):
            typer.echo(labels.written(found))
