"""``trustlayer demo``: a guided tour, which an integration offers and this only shows.

An entry point of the group ``trustlayer.tours`` names a function
``(store, *, scripted, small, large)`` that yields stops one by one, as `Stop` has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import entry_points
from typing import Annotated, Protocol, cast

from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from trustlayer.cli._options import DEFAULT_DB, Database, option
from trustlayer.cli._store import for_recording, shown
from trustlayer.cli._terminal import examples, out, visible
from trustlayer.cli._view import MEANINGS, STYLES, verdict_view
from trustlayer.cli.report import report
from trustlayer.errors import MissingExtra
from trustlayer.outcome import Attempt, Outcome
from trustlayer.policy import Action

GROUP = "trustlayer.tours"
EPILOG = examples(
    "trustlayer demo",
    "trustlayer demo --scripted",
    "OPENAI_BASE_URL=http://localhost:11434/v1 trustlayer demo --small llama3.2 --large qwen3",
    codes="0 shown; 1 could not run; 2 wrong usage",
)


class Stop(Protocol):
    """One stop of a tour: what is to be seen, and what came of it."""

    @property
    def title(self) -> str: ...
    @property
    def outcome(self) -> Outcome: ...


def demo(
    db: Database = DEFAULT_DB,
    scripted: Annotated[
        bool, option("--scripted", help="Scripted models, also where an endpoint is configured.")
    ] = False,
    small: Annotated[str, option(metavar="NAME", help="The endpoint's first model.")] = "",
    large: Annotated[str, option(metavar="NAME", help="Its model to escalate to.")] = "",
) -> None:
    """Take a guided tour: answers accepted, revised, escalated and held, then the report.

    The models are scripted and need no key. Where OPENAI_API_KEY or OPENAI_BASE_URL is set,
    it asks the models of that endpoint instead.
    """
    named = {name: value for name, value in (("small", small), ("large", large)) if value}
    seen: list[Outcome] = []
    with for_recording(db) as store:
        for number, stop in enumerate(_tour()(store, scripted=scripted, **named), 1):
            _show(number, stop)
            seen.append(stop.outcome)
    out().print(Rule("What the audit store tells of it", align="left", style="bold"))
    report(db=db)
    _say_how_to_go_on(seen, db)


def _tour() -> Callable[..., Iterable[Stop]]:
    for entry in entry_points(group=GROUP):
        return cast("Callable[..., Iterable[Stop]]", entry.load())
    error = MissingExtra("no installed package offers a tour")
    error.add_note("install trustlayer whole: pip install --force-reinstall trustlayer")
    raise error


def _show(number: int, stop: Stop) -> None:
    outcome = stop.outcome
    out().print(Rule(visible(f"{number}. {stop.title}"), align="left", style="bold"))
    out().print(Text.assemble(("asked     ", "dim"), (visible(outcome.prompt), "bold")))
    out().print(Text.assemble(("path      ", "dim"), _path(outcome)), soft_wrap=True)
    limits = {d.name: d.limit for d in outcome.detectors}
    for attempt in outcome.attempts:
        out().print(Text(visible(attempt.model or "given"), style="dim"))
        if attempt.error is not None:
            out().print(Text.assemble(("error ", "bold red"), visible(attempt.error)))
        if attempt.verdict is not None:
            out().print(Padding(verdict_view(attempt.verdict, limits, brief=True), (0, 0, 0, 2)))
    out().print()


def _path(outcome: Outcome) -> Text:
    steps = [_step(attempt) for attempt in outcome.attempts]
    return Text(" > ").join(steps)


def _step(attempt: Attempt) -> Text:
    told = "failed" if attempt.verdict is None else MEANINGS[attempt.action]
    style = "bold red" if attempt.verdict is None else STYLES[attempt.action]
    return Text.assemble(f"{visible(attempt.model or 'given')}: ", (told, style))


def _say_how_to_go_on(seen: Sequence[Outcome], db: str) -> None:
    held = [outcome for outcome in seen if outcome.action is Action.HOLD]
    store = "" if db == DEFAULT_DB else f" --db {shown(db)}"
    what = "the outcome that was held" if held else "the last outcome"
    told = f"Everything is in {shown(db)}. To see {what}, with every attempt:"
    out().print(Text(told), soft_wrap=True)
    command = f"  trustlayer show {(held or seen)[-1].id[:8]}{store}"
    out().print(Text(command, style="bold"), soft_wrap=True)
