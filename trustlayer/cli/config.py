"""``trustlayer config``: the file that makes the same verifier everywhere."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from trustlayer.cli._options import AsJson, ConfigFile, option
from trustlayer.cli._store import shown
from trustlayer.cli._terminal import Commands, examples, out, visible
from trustlayer.config import FILE, json_schema, read, store_url, texts, verifier

if TYPE_CHECKING:
    from trustlayer.config.reading import Config

EPILOG = examples(
    "trustlayer config init",
    "trustlayer config check",
    "trustlayer config show --config production.toml --json",
    "trustlayer config schema > trustlayer.schema.json",
    codes="0 done, or nothing is wrong; 1 something is wrong, or it could not run; 2 wrong usage",
)

app = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode="rich", epilog=EPILOG)


@app.callback()
def config() -> None:
    """Write, check or look at the configuration: trustlayer.toml."""


@app.command(epilog=EPILOG)
def init(
    config: ConfigFile = None,
    force: Annotated[bool, option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write a file to begin with, each setting explained."""
    from trustlayer.config.starter import STARTER

    path = Path(config or FILE)
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(STARTER)
    except FileExistsError as error:
        raise typer.BadParameter(f"{path} is there already; --force overwrites it") from error
    typer.echo(f"wrote {path}; see what is wrong with it, if anything: trustlayer config check")


@app.command(epilog=EPILOG)
def check(config: ConfigFile = None) -> None:
    """Succeed only if everything that the file names can be had: detectors, keys, certificates."""
    found = read(config or FILE)
    made, url = verifier(found), store_url(found)
    texts(found)  # its key, too, has to be there
    names = ", ".join(detector.name for detector in made.detectors)
    models = " > ".join(table.name or table.model for table in found.document.models)
    store = "none" if url is None else shown(url)
    typer.echo(
        f"{found.file} is sound: detectors {names}; models {models or 'none'}; store {store}"
    )


@app.command(epilog=EPILOG)
def show(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show every setting that is in force, defaults included; of secrets, only where they are."""
    found = read(config or FILE)
    settings = _settings(found)
    if as_json:
        typer.echo(json.dumps(settings, indent=2))
        return
    for key, value in _lines(settings, ""):
        told = _told(key, value)
        out().print(visible(f"{key} = {json.dumps(value)}{told}"), markup=False, soft_wrap=True)


@app.command(epilog=EPILOG)
def schema() -> None:
    """Print the JSON Schema of the file, for editors that complete and underline."""
    typer.echo(json.dumps(json_schema(), indent=2))


def _settings(config: Config) -> dict[str, Any]:
    settings = config.document.model_dump(mode="json", exclude_none=True)
    made = verifier(config, asking=False)
    for detector in made.detectors:
        table = settings["detectors"][detector.name]
        table["limit"] = made.rules.limit_of(detector.name)
        table["version"] = str(getattr(detector, "version", "0"))
    return settings


def _lines(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, inner in cast("dict[str, Any]", value).items():
            yield from _lines(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and any(isinstance(v, dict) for v in cast("list[object]", value)):
        for number, inner in enumerate(cast("list[object]", value), 1):
            yield from _lines(inner, f"{key}[{number}]")
    else:
        yield key, value


def _told(key: str, value: Any) -> str:
    if not key.endswith("_env"):
        return ""
    return "  # set" if os.environ.get(str(value)) else "  # not set"
