"""Where in a TOML text each key stands: `tomllib` reads the values and forgets the lines."""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate

Path = tuple[str | int, ...]

_BLANK = " \t\r\n"
_BARE_END = " \t.=]"


def places(text: str) -> Mapping[Path, int]:
    """The line, from 1, of every table, key and array element of *text*, which must be valid.

    A table that only its own tables mention has the line of the first of these.
    """
    reader = _Reader(text.replace("\r\n", "\n"))
    reader.document()
    return reader.found


@dataclass(slots=True)
class _Reader:
    # Trusts that tomllib has accepted the text: nothing is checked a second time.
    text: str
    at: int = 0
    found: dict[Path, int] = field(default_factory=dict[Path, int])
    counts: Counter[Path] = field(default_factory=Counter[Path])  # of arrays of tables
    starts: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        lengths = (len(line) + 1 for line in self.text.split("\n"))
        self.starts = [0, *accumulate(lengths)]

    def document(self) -> None:
        table: Path = ()
        while self._skip():
            if self.text.startswith("[[", self.at):
                table = self._header(2)
            elif self.text[self.at] == "[":
                table = self._header(1)
            else:
                self._pair(table)

    def _header(self, brackets: int) -> Path:
        begun = self.at
        self.at += brackets
        names = self._key()
        self.at += brackets
        path = self._inside(names[:-1], begun)
        self._note((*path, names[-1]), begun)
        path = (*path, names[-1])
        if brackets == 2:
            self.counts[path] += 1
            path = (*path, self.counts[path] - 1)
            self._note(path, begun)
        elif path in self.counts:  # pragma: no cover  # tomllib has refused it
            raise AssertionError(path)
        return path

    def _inside(self, names: list[str], begun: int) -> Path:
        """The path to the table of those *names*, in the newest one of each array of tables."""
        path: Path = ()
        for name in names:
            path = (*path, name)
            self._note(path, begun)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        return path

    def _pair(self, table: Path) -> None:
        begun = self.at
        path = table
        for name in self._key():
            path = (*path, name)
            self._note(path, begun)
        self._skip()
        self.at += 1  # the sign of equality
        self._skip()
        self._value(path)

    def _key(self) -> list[str]:
        names: list[str] = []
        while True:
            self._skip()
            names.append(self._name())
            self._skip()
            if self.text[self.at] != ".":
                return names
            self.at += 1

    def _name(self) -> str:
        begun = self.at
        if self.text[begun] in "\"'":
            self._string()
            return str(tomllib.loads(f"k = {self.text[begun : self.at]}")["k"])
        while self.text[self.at] not in _BARE_END:
            self.at += 1
        return self.text[begun : self.at]

    def _value(self, path: Path) -> None:
        first = self.text[self.at]
        if first in "\"'":
            self._string()
        elif first == "[":
            self._array(path)
        elif first == "{":
            self._inline(path)
        else:
            while self.at < len(self.text) and self.text[self.at] not in ",]}#\n":
                self.at += 1

    def _array(self, path: Path) -> None:
        self.at += 1
        number = 0
        while self._next() != "]":
            self._note((*path, number), self.at)
            self._value((*path, number))
            number += 1
        self.at += 1

    def _inline(self, path: Path) -> None:
        self.at += 1
        while self._next() != "}":
            self._pair(path)
        self.at += 1

    def _next(self) -> str:
        self._skip(also=",")
        return self.text[self.at]

    def _string(self) -> None:
        quote = self.text[self.at]
        triple = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(triple)
        while not self.text.startswith(triple, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        self.at += len(triple)
        while len(triple) == 3 and self.text.startswith(quote, self.at):
            self.at += 1  # up to two quotes may stand before those that close

    def _skip(self, also: str = "") -> bool:
        """Go on to what is neither blank nor a comment; whether there is anything."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            elif self.text[self.at] in _BLANK or self.text[self.at] in also:
                self.at += 1
            else:
                return True
        return False

    def _note(self, path: Path, offset: int) -> None:
        self.found.setdefault(path, bisect_right(self.starts, offset))
