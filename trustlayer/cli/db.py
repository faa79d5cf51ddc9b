"""``trustlayer db``: the schema of the audit store."""

from __future__ import annotations

from typing import Annotated

import typer

from trustlayer.cli._options import DEFAULT_DB, Database, option
from trustlayer.cli._store import for_reading, shown
from trustlayer.cli._terminal import NOT_ACCEPTED, Commands, examples

EPILOG = examples(
    "trustlayer db upgrade",
    "trustlayer db current --db sqlite:////var/lib/audit.db",
    "trustlayer db check && service start",
    codes="0 done, or current; 3 sums differ; 1 could not run, or the schema is another; "
    "2 wrong usage",
)

app = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode="rich", epilog=EPILOG)


@app.callback()
def db() -> None:
    """Make, upgrade or look at the audit store."""


@app.command(epilog=EPILOG)
def upgrade(db: Database = DEFAULT_DB) -> None:
    """Make the store, or bring it to the schema that this trustlayer needs."""
    from trustlayer.audit import schema

    before = schema.state(db)
    schema.upgrade(db)
    after = schema.state(db)
    if before.revision == after.revision:
        typer.echo(f"{shown(db)} is current: schema {after.revision}")
    else:
        typer.echo(f"{shown(db)}: schema {before.revision or 'none'} -> {after.revision}")


@app.command(epilog=EPILOG)
def current(db: Database = DEFAULT_DB) -> None:
    """Show the schema that the store has, and the one that this trustlayer needs."""
    from trustlayer.audit import schema

    found = schema.state(db)
    told = f"schema {found.revision}, {found.standing}" if found.revision else found.standing
    typer.echo(f"{shown(db)}: {told}; needed: schema {found.head}")


@app.command(epilog=EPILOG)
def check(db: Database = DEFAULT_DB) -> None:
    """Succeed only if the store is there and of the schema needed."""
    for_reading(db).close()
    typer.echo(f"{shown(db)} is current")


@app.command(epilog=EPILOG)
def partitions(
    ahead: Annotated[
        int, option(min=0, metavar="MONTHS", help="How many coming months are made.")
    ] = 3,
    db: Database = DEFAULT_DB,
) -> None:
    """Make the partitions of the coming months and list all: on PostgreSQL each month has one.

    A text whose month has none is kept all the same, and moves there when it is made.
    """
    from trustlayer.audit.partitions import make_ahead
    from trustlayer.audit.partitions import partitions as found

    with for_reading(db) as store:
        made = make_ahead(store, ahead)
        parts = found(store)
    for part in parts:
        new = "  made now" if part.name in made else ""
        typer.echo(f"{part.name}  {part.size / 2**20:,.1f} MiB{new}")
    if not parts:
        typer.echo(f"{shown(db)} keeps all texts in one table")


@app.command(epilog=EPILOG)
def summarise(
    anew: Annotated[bool, option(help="Forget all sums and make them again.")] = False,
    compare: Annotated[
        bool, option(help="Add up every row again, and name the sums that say something else.")
    ] = False,
    db: Database = DEFAULT_DB,
) -> None:
    """Bring the sums by day, from which reports read, up to what is recorded.

    The writer keeps them up: this is for a store that was filled by other means.
    """
    from trustlayer.audit import summaries

    with for_reading(db) as store:
        if anew:
            store.retrying(summaries.clear)
        left = summaries.missing(store)
        summaries.summarise(store)
        wrong = store.retrying(lambda found: list(summaries.drift(found))) if compare else []
    for table in wrong:
        typer.echo(f"{table} does not say what the rows do: trustlayer db summarise --anew")
    if wrong:
        raise typer.Exit(NOT_ACCEPTED)
    typer.echo(f"{shown(db)}: {left} entries summarised" + (", as the rows say" if compare else ""))
