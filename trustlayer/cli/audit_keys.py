"""``trustlayer audit`` with keys: anchors that are signed, and texts that are encrypted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trustlayer.cli._options import DEFAULT_DB, Database, argument, option
from trustlayer.cli._store import for_reading, shown
from trustlayer.cli.audit import EPILOG, app


@app.command(epilog=EPILOG)
def anchor(
    key: Annotated[
        Path | None, option(exists=True, dir_okay=False, help="To sign with; see 'audit keygen'.")
    ] = None,
    to: Annotated[
        Path | None, option(dir_okay=False, help="A file to add to, in place of printing.")
    ] = None,
    post: Annotated[
        str | None, option(metavar="URL", help="Where to POST it: https, or this machine.")
    ] = None,
    timeout: Annotated[float, option(min=0.1, help="Seconds that the URL has.")] = 30.0,
    db: Database = DEFAULT_DB,
) -> None:
    """Note the heads of all chains, to be kept where no writer of the store can reach it."""
    from trustlayer.audit import sending

    if post is not None:
        sending.expect_safe(post)
    for line in _lines(db, key, sending.last_line(to) if to and key else ""):
        if to is not None:
            sending.append_line(to, line)
        if post is not None:
            sending.post(post, line, timeout)
        if to is None and post is None:
            typer.echo(line)


@app.command(epilog=EPILOG)
def keygen(
    path: Annotated[Path, argument(metavar="FILE", help="Where the new key goes.")],
    encryption: Annotated[
        bool, option("--encryption", help="A key that encrypts texts, in place of one that signs.")
    ] = False,
) -> None:
    """Make a pair of keys that signs anchors: FILE, for its owner alone, and FILE.pub."""
    from trustlayer.audit import keyfiles
    from trustlayer.audit.sealing import FILE_VARIABLE

    if encryption:
        keyfiles.keygen_encryption(path)
        typer.echo(f"{path}: keep it secret, and safe: texts are lost with it")
        typer.echo(f"use it: export {FILE_VARIABLE}={path}")
        return
    public, found = keyfiles.keygen(path)
    typer.echo(f"{path}: keep it secret, away from the database")
    typer.echo(f"{public}: for whoever verifies; fingerprint {found.fingerprint}")


@app.command(epilog=EPILOG)
def rekey(db: Database = DEFAULT_DB) -> None:
    """Encrypt under the first key all texts that are not: those in the open, and under others.

    To rotate keys, put the new one first in TRUSTLAYER_KEYS (or the file that
    TRUSTLAYER_KEYS_FILE names), the former after it; when this is through, drop the former.
    """
    from trustlayer.audit.rekeying import rekey as run

    with for_reading(db) as store:
        done = {found.table: found.texts for found in run(store)}
        key = store.keys.id.hex()
    told = ", ".join(f"{texts} in {table}" for table, texts in done.items())
    typer.echo(f"texts encrypted under the key {key} in {shown(db)}: {told}")


def _lines(db: str, key: Path | None, before: str) -> list[str]:
    from trustlayer.audit import anchors, verification
    from trustlayer.audit.keyfiles import SigningKey
    from trustlayer.audit.signing import signed

    signer = None if key is None else SigningKey.read(key)
    with for_reading(db) as store:
        heads = verification.heads(store)
    return list(anchors.written(heads)) if signer is None else [signed(heads, signer, before)]
