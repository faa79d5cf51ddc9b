"""``trustlayer audit hold``, ``release`` and ``holds``: what may not be erased."""

from __future__ import annotations

from typing import Annotated

import typer

from trustlayer.cli._options import DEFAULT_DB, Database, argument, option
from trustlayer.cli._store import for_reading
from trustlayer.cli._terminal import visible
from trustlayer.cli.audit import EPILOG, app

By = Annotated[str, option(metavar="NAME", envvar="USER", help="Who says so.")]


@app.command(epilog=EPILOG)
def hold(
    reason: Annotated[str, option(help="Why, such as the number of a case.")],
    outcome: Annotated[str, option(metavar="ID", help="One outcome.")] = "",
    subject: Annotated[
        tuple[str, str],
        option(metavar="NAME VALUE", help="All with that correlation id, such as a person's."),
    ] = ("", ""),
    by: By = "",
    db: Database = DEFAULT_DB,
) -> None:
    """Keep texts from being erased by 'retain' and 'erase', until the hold is released."""
    from trustlayer.audit import holds

    if bool(outcome) == bool(subject[0]):
        raise typer.BadParameter("name one of the two", param_hint="--outcome or --subject")
    with for_reading(db) as store:
        if outcome:
            made = holds.hold_outcome(store, store.outcome(outcome).id, by, reason)
        else:
            made = holds.hold_subject(store, *subject, by, reason)
    typer.echo(f"held, until 'trustlayer audit release {made.id}'")


@app.command(epilog=EPILOG)
def release(
    id: Annotated[str, argument(metavar="ID", help="The hold's id; see 'audit holds'.")],
    reason: Annotated[str, option(help="Why.")] = "",
    by: By = "",
    db: Database = DEFAULT_DB,
) -> None:
    """End a legal hold; that there was one stays on record."""
    from trustlayer.audit import holds

    with for_reading(db) as store:
        ended = holds.release(store, id, by, reason)
    typer.echo(f"released: {ended.id}")


@app.command(epilog=EPILOG)
def holds(db: Database = DEFAULT_DB) -> None:
    """List all legal holds that ever were."""
    from trustlayer.audit.holds import holds as found

    with for_reading(db) as store:
        for one in found(store):
            on = one.outcome or f"all with a certain {one.name}"
            state = f"released {one.released:%Y-%m-%d}" if one.released else "in force"
            told = f"{one.id}  {one.since:%Y-%m-%d}  {one.who}  {on}: {one.reason} ({state})"
            typer.echo(visible(told))
