"""How far a long command has come: on stderr, and only where a person is watching."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from trustlayer.cli._reading import Source
from trustlayer.cli._terminal import err, say

T = TypeVar("T")


class Counting(Protocol):
    """Passes items on and counts them, each for as many answers as *weigh* says."""

    def __call__(
        self, items: Iterable[T], weigh: Callable[[T], int] = lambda _: 1, /
    ) -> Iterator[T]: ...


@contextmanager
def progress(source: Source, what: str) -> Generator[Counting]:
    """Give a function that counts the items passing through it; a summary stands at the end."""
    size = os.fstat(source.raw.fileno()).st_size if source.raw else 0
    with progress_of(size, lambda: source.raw.tell() if source.raw else None, what) as counted:
        yield counted


@contextmanager
def progress_of(size: int, reached: Callable[[], int | None], what: str) -> Generator[Counting]:
    """Do what `progress` does over *size* bytes, of which so many are *reached*."""
    begun = time.perf_counter()
    count = 0
    with Progress(*_columns(bool(size)), console=err(), transient=True, disable=_hidden()) as bar:
        task = bar.add_task(what, total=size or None, count=0, rate=0.0)

        def counted(items: Iterable[T], weigh: Callable[[T], int] = lambda _: 1) -> Iterator[T]:
            nonlocal count
            for item in items:
                yield item
                count += weigh(item)
                rate = count / (time.perf_counter() - begun)
                bar.update(task, completed=reached(), count=count, rate=rate)

        yield counted
    seconds = time.perf_counter() - begun
    say(f"{count} answers in {seconds:.1f} s ({count / max(seconds, 1e-9):.1f}/s)", what, "bold")


def _hidden() -> bool:
    return not err().is_terminal


def _columns(sized: bool) -> list[ProgressColumn]:
    bar: list[ProgressColumn] = [BarColumn(), TaskProgressColumn()] if sized else [SpinnerColumn()]
    counts = TextColumn("{task.fields[count]} answers, {task.fields[rate]:.1f}/s")
    return [TextColumn("{task.description}"), *bar, counts, TimeElapsedColumn()]
