"""``trustlayer reviewer``: who may enter the review desk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustlayer.cli._options import argument, option
from trustlayer.cli._terminal import Commands, examples

if TYPE_CHECKING:
    from trustlayer.web import Reviewer

EPILOG = examples(
    "trustlayer reviewer add alice",
    "trustlayer reviewer list",
    "trustlayer reviewer remove alice",
    codes="0 done; 1 could not run; 2 wrong usage",
)

app = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode="rich", epilog=EPILOG)

Name = Annotated[str, argument(metavar="NAME", help="The reviewer's name.")]
File = Annotated[Path, option(metavar="FILE", help="Where names and hashes of tokens are kept.")]
DEFAULT = Path("reviewers.txt")


@app.callback()
def reviewer() -> None:
    """Say who may enter the review desk; a running desk notices at once."""


@app.command(epilog=EPILOG)
def add(name: Name, file: File = DEFAULT) -> None:
    """Add a reviewer, or give one a new token; the token is shown this once."""
    from trustlayer.web.reviewers import Reviewer, new_token, write

    token = new_token()
    try:
        made = Reviewer.with_token(name, token)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    others = [r for r in _present(file) if r.name != name]
    write(file, [*others, made])
    typer.echo(f"token of {name}, shown this once: {token}")


@app.command(epilog=EPILOG)
def remove(name: Name, file: File = DEFAULT) -> None:
    """Remove a reviewer, whose sessions end with it."""
    from trustlayer.web.reviewers import write

    present = _present(file)
    left = [r for r in present if r.name != name]
    if len(left) == len(present):
        known = ", ".join(r.name for r in present) or "nobody"
        raise typer.BadParameter(f"{name!r} is not in {file}: {known}")
    write(file, left)


@app.command("list", epilog=EPILOG)
def names(file: File = DEFAULT) -> None:
    """List the reviewers by name."""
    for found in _present(file):
        typer.echo(found.name)


def _present(file: Path) -> list[Reviewer]:
    from trustlayer.web.reviewers import read

    return read(file) if file.exists() else []
