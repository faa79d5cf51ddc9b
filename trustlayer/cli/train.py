"""``trustlayer train``: make a detector's weights again, or go on with them on own answers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from trustlayer.cli._options import argument, option
from trustlayer.cli._reading import OnError, Reading, opened
from trustlayer.cli._terminal import err, examples, say
from trustlayer.errors import MissingExtra

if TYPE_CHECKING:
    from trustlayer.judgements import JudgedLine
    from trustlayer.recipes import Recipe, Step

EPILOG = examples(
    "trustlayer train grounding --rows labels.jsonl --into weights/",
    "trustlayer train toxicity --rows labels.jsonl --data data/ --into weights/",
    "trustlayer train grounding --data data/ --into weights/",
    Rows="""\
As for trustlayer evaluate: {"label": 1 bad | 0 good, "answer", "prompt"?, "context"?, "spans"?, \
"group"?}. Learning starts from the bundled weights; a fifth of the groups is held out, and \
what was won on it is told at the end. With --data, the training sets are rehearsed beside them.""",
    Data="""\
Without --rows, all is made anew from the training sets. The same call goes on where it was \
interrupted.""",
    Use="""\
Grounding(weights="weights/"), Toxicity(weights="weights/"), Harm(weights="weights/"); the \
weights' hash is the detector's version, so certificates of the former weights are void.""",
    codes="0 made; 1 could not run; 2 wrong usage; 130 interrupted",
)


def train(
    name: Annotated[str, argument(metavar="NAME", help="grounding, toxicity, harm, ...")],
    into: Annotated[Path, option(metavar="FOLDER", help="Where the weights go.")],
    rows: Annotated[
        list[Path] | None, option(metavar="FILE", help="Labelled answers of your own; repeatable.")
    ] = None,
    data: Annotated[
        Path | None, option(metavar="FOLDER", help="The training sets: grounding/, safety/, extra/")
    ] = None,
    work: Annotated[
        Path | None, option(metavar="FOLDER", help="Checkpoints and learning curve. [INTO/work]")
    ] = None,
    seed: Annotated[int, option(min=0, help="Of order and first weights.")] = 3,
    threads: Annotated[
        int, option(min=1, help="On a CPU; one thread gives the same weights every time.")
    ] = 1,
    trial: Annotated[
        int | None, option(min=1, help="Learn from no more than this, to see that it works.")
    ] = None,
) -> None:
    """Make the weights of a bundled detector, anew or from the bundled ones on your answers."""
    from trustlayer.recipes import Ingredients

    if not rows and data is None:
        raise typer.BadParameter("nothing to learn from: give --rows FILE, --data FOLDER or both")
    if data is not None and not data.is_dir():
        raise typer.BadParameter(f"--data {data} is no folder; expected grounding/, extra/ in it")
    lines = tuple(line for path in rows or () for line in _judged(path))
    if rows and not lines:
        raise typer.BadParameter(f"{', '.join(map(str, rows))} hold no labelled answer")
    made = _recipe(name)
    given = Ingredients(work or into / "work", into, data, lines, seed, threads, trial)
    _follow(made(given))
    say(f"{into}; use it as weights={str(into)!r}", "made", "bold")


def _judged(path: Path) -> list[JudgedLine]:
    from trustlayer.judgements import parse_judged

    reading = Reading(OnError.STOP)
    with opened(str(path)) as given:
        found = list(reading.lines(given, parse_judged))
    reading.finish()
    return found


def _recipe(name: str) -> Recipe:
    from trustlayer.recipes import recipe

    try:
        return recipe(name)
    except ImportError as error:
        missing = MissingExtra(f"training needs {error.name}, which is not installed")
        missing.add_note("pip install 'trustlayer[train]'")
        raise missing from error


def _follow(steps: Iterable[Step | str]) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} batches, loss {task.fields[loss]:.3f}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    hidden = not err().is_terminal
    with Progress(*columns, console=err(), transient=True, disable=hidden) as bar:
        tasks: dict[str, TaskID] = {}
        for step in steps:
            if isinstance(step, str):
                say(step, "train", "bold")
                continue
            if step.run not in tasks:
                tasks[step.run] = bar.add_task(step.run, total=step.steps, loss=step.loss)
            bar.update(tasks[step.run], completed=step.step, loss=step.loss)
