"""``trustlayer audit``: whether the store is as it was recorded, and texts erased from it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustlayer.cli._options import DEFAULT_DB, Database, argument, option
from trustlayer.cli._store import for_reading, shown
from trustlayer.cli._terminal import NOT_ACCEPTED, Commands, err, examples, visible
from trustlayer.cli.report import since_time

if TYPE_CHECKING:
    from trustlayer.audit.entries import Flaw
    from trustlayer.audit.erasing import Erased
    from trustlayer.audit.verification import Anchor

EPILOG = examples(
    "trustlayer audit keygen anchors.key",
    "trustlayer audit anchor --key anchors.key --to /backup/anchors.jsonl",
    "trustlayer audit verify --anchors /backup/anchors.jsonl --public-key anchors.key.pub",
    "trustlayer audit retain --older-than 90d",
    "trustlayer audit erase user 4711",
    "trustlayer audit hold --subject user 4711 --reason 'case 7'",
    "trustlayer audit sample --n 50 -o to-label.jsonl",
    "trustlayer audit label --lines labelled.jsonl",
    "trustlayer audit label 3f2a91 bad --reason 'the year is wrong'",
    "trustlayer audit export --labelled > labels.jsonl && trustlayer calibrate labels.jsonl",
    codes="0 done, nothing is wrong; 3 rows are not as recorded; 1 could not run; 2 wrong usage",
)

app = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode="rich", epilog=EPILOG)


@app.callback()
def audit() -> None:
    """See that nothing was changed since it was recorded; label answers; erase texts."""


@app.command(epilog=EPILOG)
def verify(
    anchors: Annotated[
        Path | None,
        option(exists=True, dir_okay=False, help="What 'audit anchor' wrote some time ago."),
    ] = None,
    public_key: Annotated[
        Path | None,
        option(exists=True, dir_okay=False, help="Of the key that signed the anchors, in PEM."),
    ] = None,
    db: Database = DEFAULT_DB,
) -> None:
    """Hash every row again and name those that were changed, removed, inserted or moved.

    Without anchors from elsewhere it cannot tell when all of a chain's end was forged.
    """
    from trustlayer.audit import reports, verification

    kept, flaws = _anchors(anchors, public_key)
    wrong = 0
    with for_reading(db) as store:
        for flaw in chain(flaws, verification.verify(store, kept)):
            typer.echo(visible(f"{flaw.table}: {flaw.row} {flaw.what}"))
            wrong += 1
        outcomes = reports.totals(store).outcomes
    if wrong:
        err().print(f"not as it was recorded in {shown(db)}: {wrong} row(s)", style="bold red")
        raise typer.Exit(NOT_ACCEPTED)
    against = f" and as {len(kept)} anchor(s) say" if kept else ""
    typer.echo(f"as recorded{against} in {shown(db)}: {outcomes} outcome(s)")


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
        _tell(erasing.retain(store, since_time(older_than)), db)


@app.command(epilog=EPILOG)
def erase(
    name: Annotated[str, argument(metavar="NAME", help="Of a correlation id, such as user.")],
    value: Annotated[str, argument(metavar="VALUE", help="Whose texts are to go.")],
    db: Database = DEFAULT_DB,
) -> None:
    """Erase the texts of all outcomes with that correlation id, such as a person's."""
    from trustlayer.audit import erasing

    with for_reading(db) as store:
        _tell(erasing.erase(store, name, value), db)


def _anchors(path: Path | None, public_key: Path | None) -> tuple[list[Anchor], Sequence[Flaw]]:
    # The anchors to hold the store against, and what is wrong with the file of them.
    from trustlayer.audit import anchors
    from trustlayer.audit.keyfiles import VerifyingKey
    from trustlayer.audit.signing import authentic

    if public_key is not None and path is None:
        raise typer.BadParameter(
            "it is for anchors: name them with --anchors", param_hint="--public-key"
        )
    if path is None:
        return [], ()
    lines = path.read_text("utf-8", "replace").splitlines()
    if not any(line.strip() for line in lines):
        raise typer.BadParameter(f"{path} holds no anchor", param_hint="--anchors")
    if public_key is None:
        if '"signature"' in lines[0]:
            raise typer.BadParameter("these anchors are signed", param_hint="--public-key")
        return list(anchors.read(lines)), ()
    found = authentic(lines, VerifyingKey.read(public_key))
    return list(found.anchors), found.flaws


def _tell(erased: Erased, db: str) -> None:
    typer.echo(f"texts erased from {shown(db)}: those of {erased.outcomes} outcome(s)")
    for left in erased.left:
        typer.echo(visible(f"left: {left.outcome}, {left.why}"))
