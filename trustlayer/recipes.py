"""How the weights of detectors are made: recipes by name, found through entry points.

An entry point of the group ``trustlayer.recipes`` names a function of `Ingredients` that
yields a `Step` for each batch learned, and text worth telling, and has written its weights
when it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

from trustlayer.errors import UnknownDetector
from trustlayer.judgements import JudgedLine

GROUP = "trustlayer.recipes"


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What weights are made from, and where to.

    *data* is the folder of the training sets, None where only *rows* of the user's own are
    learned from; these start from the bundled weights. *work* holds checkpoints, logs and the
    learning curve: the same call goes on where it was interrupted. *into* receives the
    weights. *trial* cuts every run to that many examples.
    """

    work: Path
    into: Path
    data: Path | None = None
    rows: tuple[JudgedLine, ...] = ()
    seed: int = 3
    threads: int = 1
    trial: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One batch has been learned: number *step* (from 1) out of *steps* in that run."""

    run: str
    step: int
    steps: int
    loss: float


Recipe = Callable[[Ingredients], Iterator[Step | str]]


def recipes() -> tuple[str, ...]:
    """The names of all installed recipes, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def recipe(name: str) -> Recipe:
    """The recipe of that *name*; raises UnknownDetector, and ImportError without its extra."""
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            return cast(Recipe, entry.load())
    error = UnknownDetector(f"no recipe for {name!r}; there are: {', '.join(recipes()) or 'none'}")
    if close := get_close_matches(name, recipes(), n=1):
        error.add_note(f"Did you mean {close[0]!r}?")
    raise error
