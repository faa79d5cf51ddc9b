"""The command line: one module a command, put together here."""

from __future__ import annotations

from typing import Annotated

import typer

from trustlayer import __version__
from trustlayer.cli import (
    _terminal,
    audit,
    audit_drain,
    audit_holds,
    audit_keys,
    audit_labels,
    calibrate,
    capacity,
    config,
    db,
    demo,
    detectors,
    evaluate,
    examine,
    replay,
    report,
    reviewer,
    serve,
    show,
    train,
    verify,
)
from trustlayer.cli._options import option

OF_AUDIT = (audit_drain, audit_holds, audit_keys, audit_labels)  # imported, they joined audit.app
_CODES = "0 accepted, or done; 3 not accepted; 2 wrong usage; 1 could not run; 130 interrupted"

app = typer.Typer(
    name="trustlayer",
    cls=_terminal.Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks print local variables: prompts, answers
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_terminal.examples(
        "trustlayer verify --prompt 'How tall is it?' --answer '324 m.' --context page.txt",
        "trustlayer examine answers.jsonl --output findings.jsonl",
        "trustlayer report --since 7d",
        codes=_CODES,
    ),
)
app.command(epilog=demo.EPILOG)(demo.demo)
app.command(epilog=verify.EPILOG)(verify.verify)
app.command(epilog=examine.EPILOG)(examine.examine)
app.command(epilog=detectors.EPILOG)(detectors.detectors)
app.command(epilog=evaluate.EPILOG)(evaluate.evaluate)
app.command(epilog=calibrate.EPILOG)(calibrate.calibrate)
app.command(epilog=capacity.EPILOG)(capacity.capacity)
app.command(epilog=replay.EPILOG)(replay.replay)
app.command(epilog=report.EPILOG)(report.report)
app.command(epilog=show.EPILOG)(show.show)
app.command(epilog=serve.EPILOG)(serve.serve)
app.command(epilog=train.EPILOG)(train.train)
app.add_typer(db.app, name="db")
app.add_typer(audit.app, name="audit")
app.add_typer(reviewer.app, name="reviewer")
app.add_typer(config.app, name="config")


def main() -> None:
    """The entry point of the ``trustlayer`` command."""
    _terminal.prepare()
    app(prog_name="trustlayer")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"trustlayer {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Small local models examine, revise, escalate and audit what a cloud LLM answers."""
