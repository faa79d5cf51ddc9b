"""Lines from a file or from standard input, with everything odd about them told on stderr."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import IO, TypeVar, cast

import typer

from trustlayer.bulk.blocks import Entry, Failure
from trustlayer.cli._terminal import FAILED, hint, say, tell
from trustlayer.errors import BadLine, Unreadable
from trustlayer.jsonl import Id, rows, unzipped
from trustlayer.lines import EXCHANGE_KEYS, ExchangeLine

MAX_TOLD = 8  # unknown keys; beyond that the file is simply of another kind
MAX_FAILURES = 20  # told one by one
GO_ON = "what precedes it was examined; to go on past it: --on-error skip"
MAX_REMEMBERED = 100_000  # ids, so that memory stays bounded


class OnError(StrEnum):
    """What a bad line leads to."""

    STOP = "stop"
    SKIP = "skip"


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """An open input; *raw* is the file itself, before any unzipping, where there is one."""

    name: str
    file: IO[bytes]
    raw: IO[bytes] | None


@contextmanager
def opened(path: str) -> Generator[Source]:
    """The file at *path*, or standard input for ``-``; gzip data are unzipped."""
    if path == "-":
        yield Source("<stdin>", unzipped(_stdin()), None)
        return
    with open(path, "rb") as file:
        yield Source(path, unzipped(file), file)


@dataclass(slots=True)
class Reading:
    """One pass over a file; *failed* says afterwards whether something was wrong with it."""

    on_error: OnError
    skipped: int = 0
    failures: int = 0
    stopped: bool = False
    failed: bool = False
    keys: set[str] = field(default_factory=set[str])
    ids: dict[Id, int] = field(default_factory=dict[Id, int])
    repeated: int = 0

    def lines(self, source: Source, parse: Callable[[bytes, int], Sequence[T]]) -> Iterator[T]:
        """The good lines, up to the first bad one unless those are skipped.

        It ends rather than raises, so that what was read before can still be written.
        """
        try:
            for row in rows(source.file):
                try:
                    found = parse(row.raw, row.number)
                except BadLine as error:
                    self._bad(source, error)
                    if self.on_error is OnError.STOP:
                        return
                else:
                    yield from map(self._seen, found)
        except Unreadable as error:
            self.failed = True
            say(f"{source.name}, {error}", "error", "bold red")

    def admitted(self, entries: Iterable[Entry | Failure]) -> Iterator[Entry | Failure]:
        """All *entries*, up to the first failure unless those are skipped."""
        for entry in entries:
            if isinstance(entry, Entry):
                self._seen(entry.line)
            yield entry
            if isinstance(entry, Failure) and self.on_error is OnError.STOP:
                self.stopped = True
                return

    def failure(self, failure: Failure) -> None:
        """Tell of it, unless many were told."""
        self.failed = True
        self.failures += 1
        self.skipped += self.on_error is OnError.SKIP and not failure.in_output
        if self.failures > MAX_FAILURES:
            return
        say(str(failure), failure.place.file or "error", "bold red")
        for note in failure.notes:
            hint(note)
        if self.on_error is OnError.STOP and not failure.in_output:
            hint(GO_ON)
        if self.failures == MAX_FAILURES:
            hint("further failures are not shown")

    def finish(self) -> None:
        """Say what is left to say; raises Exit when something was wrong."""
        if self.repeated:
            say(f"{self.repeated} ids occur more than once; all are in the output", "note")
        if self.skipped:
            say(f"{self.skipped} bad lines were skipped: they are not in the output", "error")
        if self.failed:
            raise typer.Exit(FAILED)

    def _bad(self, source: Source, error: BadLine) -> None:
        self.failed = True
        if self.on_error is OnError.SKIP:
            self.skipped += 1
        else:
            error.add_note(GO_ON)
        tell(error, f"{source.name}", "bold red")

    def _seen(self, line: T) -> T:
        if isinstance(line, ExchangeLine):
            self._remember(line)
            for key in line.ignored:
                self._ignored(line.number, key)
        return line

    def _ignored(self, number: int, key: str) -> None:
        if key not in self.keys and len(self.keys) < MAX_TOLD:
            self.keys.add(key)
            say(f"line {number}: the key {key!r} is ignored{_meant(key)}", "note")

    def _remember(self, line: ExchangeLine) -> None:
        first = self.ids.get(line.id)
        if first is not None:
            if not self.repeated:
                say(f"line {line.number}: the id {line.id!r} was that of line {first}", "note")
            self.repeated += 1
        elif len(self.ids) < MAX_REMEMBERED:
            self.ids[line.id] = line.number


def _meant(key: str) -> str:
    close = get_close_matches(key.lower(), EXCHANGE_KEYS, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _stdin() -> io.BufferedReader:
    given = sys.stdin.buffer
    if hasattr(given, "peek"):
        return cast("io.BufferedReader", given)
    return io.BufferedReader(cast("io.RawIOBase", given))
