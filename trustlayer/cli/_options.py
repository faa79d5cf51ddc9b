"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trustlayer.cli._reading import OnError
from trustlayer.config import found, read, store_url
from trustlayer.config import verifier as verifier_of
from trustlayer.errors import BrokenDetector
from trustlayer.finding import Detector
from trustlayer.registry import available, load

if TYPE_CHECKING:
    from trustlayer.config.reading import Config
    from trustlayer.verifier import Verifier

# One place for what typer leaves untyped since click's ParamType has become generic.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
option: Callable[..., Any] = typer.Option
argument: Callable[..., Any] = typer.Argument

DEFAULT_DB = "sqlite:///trustlayer.db"


def _db_in_force(ctx: typer.Context, value: str) -> str:
    """Where no --db was given, the store of the configuration, if there is one."""
    if not by_default(ctx, "db"):
        return value
    config = configured(ctx.params.get("config"))
    return value if config is None else store_url(config) or value


ConfigFile = Annotated[
    str | None,
    option(
        "--config",
        metavar="FILE",
        envvar="TRUSTLAYER_CONFIG",
        is_eager=True,  # the store may stand in it
        help="The configuration; trustlayer.toml in the working directory by default.",
    ),
]
Database = Annotated[
    str,
    option(
        "--db",
        metavar="URL",
        envvar="TRUSTLAYER_DB",
        callback=_db_in_force,
        help="The audit store, as a URL of SQLAlchemy's.",
    ),
]
DetectorNames = Annotated[
    list[str] | None,
    option(
        "--detector",
        "-d",
        metavar="NAME",
        help="A detector to examine with; may be repeated. All installed ones by default.",
    ),
]
AsJson = Annotated[bool, option("--json", help="Print JSON.")]
Lines = Annotated[
    str, argument(metavar="FILE.jsonl", help="JSON lines, may be gzipped; - is stdin.")
]
FromReplay = Annotated[
    bool, option("--from-replay", help="Read recorded questions with several answers each.")
]
WhenBad = Annotated[OnError, option("--on-error", help="Stop at a bad line, or report it, go on.")]
BatchSize = Annotated[
    int, option(min=1, metavar="ANSWERS", help="How many are examined at a time.")
]
Timeout = Annotated[
    float,
    option(min=0.001, metavar="SECONDS", help="What each detector is granted an answer."),
]


def by_default(ctx: typer.Context, name: str) -> bool:
    """Whether the option of that *name* has its value from nobody."""
    source = ctx.get_parameter_source(name)
    return source is None or source.name in ("DEFAULT", "DEFAULT_MAP")


def configured(file: str | None) -> Config | None:
    """The configuration in *file*, or in the working directory, if one is there."""
    if file is not None:
        return read(file)
    there = found()
    return None if there is None else read(there)


def configured_detectors(verifier: Verifier, names: Sequence[str]) -> list[Detector]:
    """The detectors of those *names*: as the *verifier* has them, or else as installed."""
    own = {detector.name: detector for detector in verifier.detectors}
    return [own[name] if name in own else load(name) for name in dict.fromkeys(names)]


def detectors_in_force(file: str | None, names: Sequence[str] | None) -> list[Detector]:
    """The detectors of those *names*, or those of the configuration, or all that are installed."""
    config = configured(file)
    if config is None:
        return detectors_named(names)
    made = verifier_of(config, asking=False)
    return configured_detectors(made, names) if names else list(made.detectors)


def detectors_named(names: Sequence[str] | None) -> list[Detector]:
    """Load the detectors of those *names*, or all that are installed.

    One that does not load is an error also where it was not asked for by name: to leave it
    out silently would be to accept what it would have doubted.
    """
    if names:
        return [load(name) for name in dict.fromkeys(names)]
    installed = available()
    try:
        return [load(name) for name in installed]
    except BrokenDetector as error:
        error.add_note("see what is installed: trustlayer detectors")
        error.add_note("to go on without it, name the others: --detector NAME --detector NAME")
        raise
