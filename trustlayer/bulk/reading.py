"""All rows of many files, one after another; what cannot be read is a `Failure` in its place."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import IO

from trustlayer.bulk.blocks import Entry, Failure, Place
from trustlayer.errors import BadLine, Unreadable
from trustlayer.jsonl import rows, unzipped
from trustlayer.lines import ExchangeLine

Parse = Callable[[bytes, int], Sequence[ExchangeLine]]
Opened = Callable[[IO[bytes]], object]


def read(paths: Iterable[str], parse: Parse, opened: Opened) -> Generator[Entry | Failure]:
    """The rows of the files at *paths*; *opened* is told of each file when it is opened.

    What is damaged is left out and told of, the rest is read.
    """
    for path in paths:
        try:
            with open(path, "rb") as file:
                opened(file)
                if path.endswith(".parquet"):
                    yield from _parquet(path)
                else:
                    yield from read_lines(path, unzipped(file), parse)
        except OSError as error:  # there is none, or its disk is damaged
            yield Failure(Place(path, 0), error.strerror or str(error), "a file to read")


def read_lines(name: str, file: IO[bytes], parse: Parse) -> Iterator[Entry | Failure]:
    """The rows of JSON lines."""
    number = 0
    try:
        for row in rows(file):
            number = row.number
            yield from _row(name, row.raw, number, parse)
    except Unreadable as error:
        found = f"damaged gzip data ({error.__cause__})"
        yield Failure(Place(name, number + 1), found, "more lines, or the end of the file")
    except OSError as error:
        yield Failure(Place(name, number + 1), error.strerror or str(error), "more lines")


def named_by_file(entry: Entry | Failure) -> Entry | Failure:
    """With the file in the id where the id is a line's number: several files have that line."""
    if isinstance(entry, Failure) or not entry.line.numbered:
        return entry
    return replace(entry, line=replace(entry.line, id=f"{entry.place.file}:{entry.place.row}"))


def _row(name: str, raw: bytes, number: int, parse: Parse) -> Iterator[Entry | Failure]:
    try:
        found = parse(raw, number)
    except BadLine as error:
        notes = tuple(getattr(error, "__notes__", ()))
        yield Failure(Place(name, number), error.found, error.expected, notes=notes)
    else:
        yield from (Entry(Place(name, number), line) for line in found)


def _parquet(path: str) -> Iterator[Entry | Failure]:
    from trustlayer.bulk.parquet import read_parquet  # pyarrow is another extra

    return read_parquet(path)
