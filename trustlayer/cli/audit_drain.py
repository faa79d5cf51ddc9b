"""``trustlayer audit drain``: what was spooled while the database was away goes into it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trustlayer.cli._options import DEFAULT_DB, Database, option
from trustlayer.cli._store import shown
from trustlayer.cli._terminal import NOT_ACCEPTED, err
from trustlayer.cli.audit import EPILOG, app


@app.command(epilog=EPILOG)
def drain(
    spool: Annotated[
        Path,
        option(
            exists=True,
            file_okay=False,
            envvar="TRUSTLAYER_SPOOL",
            help="The folder to which outcomes went while the database was away.",
        ),
    ],
    db: Database = DEFAULT_DB,
) -> None:
    """Record what was spooled, in order and once, also beside running writers.

    They do the same at their next write. What is torn, since its writer was killed before its
    answer was handed out, or what no database takes, is put aside and named.
    """
    from trustlayer.audit import AuditStore

    with AuditStore.open(db, spool=spool) as store:
        drained = store.drain()
    typer.echo(f"replayed into {shown(db)}: {drained.count} outcome(s)")
    for path in drained.aside:
        err().print(f"put aside: {path}", style="bold red")
    if drained.aside:
        raise typer.Exit(NOT_ACCEPTED)
