"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from trustlayer.cli._reading import OnError
from trustlayer.errors import BrokenDetector
from trustlayer.finding import Detector
from trustlayer.registry import available, load

# One place for what typer leaves untyped since click's ParamType has become generic.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
option: Callable[..., Any] = typer.Option
argument: Callable[..., Any] = typer.Argument

DEFAULT_DB = "sqlite:///trustlayer.db"

Database = Annotated[
    str,
    option(
        "--db",
        metavar="URL",
        envvar="TRUSTLAYER_DB",
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
