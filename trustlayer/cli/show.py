"""``trustlayer show``: one recorded outcome, with every attempt."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from trustlayer.cli._options import DEFAULT_DB, AsJson, Database, argument
from trustlayer.cli._store import for_reading
from trustlayer.cli._terminal import examples, out, visible
from trustlayer.cli._view import MEANINGS, STYLES, verdict_view
from trustlayer.objects import outcome_object
from trustlayer.outcome import Attempt, Outcome

EPILOG = examples(
    "trustlayer show 3f2a91",
    "trustlayer show 3f2a91 --json | jq .attempts",
    codes="0 shown; 1 could not run, also when there is no such outcome; 2 wrong usage",
)


def show(
    id: Annotated[str, argument(metavar="ID", help="The outcome's id, or its beginning.")],
    db: Database = DEFAULT_DB,
    as_json: AsJson = False,
) -> None:
    """Show one outcome's full story: attempts, findings, decisions, and what people said of it."""
    from trustlayer.audit.stories import story
    from trustlayer.cli._story import afterwards, story_object

    with for_reading(db) as store:
        found = story(store, id)
    if as_json:
        typer.echo(json.dumps(outcome_object(found.outcome) | story_object(found), indent=2))
        return
    _show(found.outcome)
    out().print(Rule("afterwards", align="left", characters="-", style="dim"))
    for line in afterwards(found):
        out().print(line)


def _show(outcome: Outcome) -> None:
    out().print(_heading(outcome))
    limits = {d.name: d.limit for d in outcome.detectors}
    for number, attempt in enumerate(outcome.attempts, 1):
        out().print(Rule(_title(number, attempt), align="left", characters="-", style="dim"))
        if attempt.error is not None:
            out().print(Text.assemble(("error ", "bold red"), visible(attempt.error)))
        if attempt.verdict is not None:
            out().print(verdict_view(attempt.verdict, limits))
    if outcome.interrupted:
        out().print(Text(visible(outcome.interrupted), style="bold red"))


def _heading(outcome: Outcome) -> Padding:
    context = sum(map(len, outcome.context))
    facts = {
        "outcome": outcome.id,
        "started": f"{outcome.started:%Y-%m-%d %H:%M:%S %Z}, {outcome.seconds:.2f} s",
        "prompt": outcome.prompt,
        "context": f"{len(outcome.context)} passage(s) of {context} characters",
        "detectors": ", ".join(f"{d.name} {d.version}" for d in outcome.detectors),
        "policy": outcome.policy,
        **outcome.correlation,
    }
    told = Text.assemble((MEANINGS[outcome.action], STYLES[outcome.action]))
    for name, value in facts.items():
        told.append(f"\n{visible(name)}: ", style="dim")
        told.append(visible(value))
    return Padding(told, (0, 0, 1, 0))


def _title(number: int, attempt: Attempt) -> Text:
    who = "a given answer" if attempt.model is None else attempt.model
    facts = [f"attempt {number}", visible(who)]
    if attempt.model is not None:
        facts.append(f"{attempt.seconds_asking:.2f} s")
    if attempt.cost is not None:
        facts.append(f"cost {attempt.cost:.6f}")
    if attempt.kept:
        facts.append("the best so far")
    return Text(", ".join(facts))
