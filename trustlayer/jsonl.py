"""JSON lines: from bytes to one object a line, and every way in which that can go wrong."""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, NoReturn, cast

from trustlayer.errors import BadLine, Unreadable

MAX_BYTES = 64 * 2**20  # of one line: a file without line ends must not fill the memory
BOM = b"\xef\xbb\xbf"

Id = str | int


@dataclass(frozen=True, slots=True)
class Row:
    """One line as it stands in the file, counted from 1."""

    number: int
    raw: bytes


def rows(file: IO[bytes]) -> Iterator[Row]:
    """The lines that are not blank; of one beyond MAX_BYTES only the beginning.

    Raises Unreadable where the file, or its gzip data, breaks off.
    """
    number = 0
    while raw := _next(file, number):
        number += 1
        if number == 1:
            raw = raw.removeprefix(BOM)
        if raw.strip():
            yield Row(number, raw)


def unzipped(file: io.BufferedReader) -> IO[bytes]:
    """The *file*, or what is in it when it begins as gzip data do, whatever its name."""
    if file.peek(2)[:2] == b"\x1f\x8b":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    return file


def parse_object(raw: bytes | str, number: int) -> Mapping[str, object]:
    """Read one line; raises BadLine unless it is one JSON object, in UTF-8."""
    if len(raw) > MAX_BYTES:
        raise BadLine(number, f"a line of more than {MAX_BYTES >> 20} MiB", "a shorter one")
    value = _parse(raw if isinstance(raw, str) else _decode(raw, number), number)
    if not isinstance(value, dict):
        error = BadLine(number, described(value), "one JSON object on each line")
        if isinstance(value, list):
            error.add_note("a JSON list is turned into lines by: jq -c '.[]' FILE.json")
        raise error
    return cast("dict[str, object]", value)


def write_object(value: Mapping[str, object]) -> str:
    """One line without its end, in ASCII: no terminal acts upon it, and no encoding fails."""
    return json.dumps(value, allow_nan=False)


def described(value: object) -> str:
    """What kind of JSON *value* this is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return "a string"
        case int() | float():
            return f"the number {value:.6g}" if _is_finite(value) else "a number beyond all bounds"
        case list():
            return "a list"
        case _:
            return "an object"


@dataclass(frozen=True, slots=True)
class Fields:
    """The members of one line's object, taken out by name and type; null means not there.

    Every method raises BadLine where something else is found than its name says.
    """

    number: int
    values: Mapping[str, object]

    def text(self, name: str, default: str | None = None) -> str:
        """A string; without a *default* it has to be there."""
        value = self.values.get(name)
        if value is None and default is not None:
            return default
        if value is None:
            self._missing(name, "a string")
        return self._str(name, value)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings, empty when it is not there."""
        values = self.items(name)
        return tuple(self._str(f"{name}[{i}]", value) for i, value in enumerate(values))

    def numbers(self, name: str) -> tuple[float, ...] | None:
        """A list of finite numbers, or None."""
        if self.values.get(name) is None:
            return None
        values = self.items(name)
        return tuple(self.real(f"{name}[{i}]", value) for i, value in enumerate(values))

    def id(self, default: Id) -> Id:
        """The member ``id``, a string or an integer."""
        value = self.values.get("id")
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, str | int):
            self.refuse("id", value, "a string or an integer")
        return value

    def items(self, name: str) -> list[object]:
        """A list of anything, empty when it is not there."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(name, value, "a list")
        return cast("list[object]", value)

    def within(self, name: str, value: object) -> Fields:
        """The members of *value*, an object that stands at *name*."""
        if not isinstance(value, dict):
            self.refuse(name, value, "an object")
        return Fields(self.number, cast("dict[str, object]", value))

    def real(self, name: str, value: object) -> float:
        """The finite number *value*, that stands at *name*."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not _is_finite(cast("float", value)):
            self.refuse(name, value, "a finite number")
        return float(cast("float", value))

    def whole(self, name: str) -> int:
        """An integer that has to be there."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(name, value, "an integer")
        return value

    def refuse(self, name: str, value: object, expected: str) -> NoReturn:
        raise BadLine(self.number, f"{described(value)} as {name!r}", expected)

    def _str(self, name: str, value: object) -> str:
        if not isinstance(value, str):
            self.refuse(name, value, "a string")
        return value

    def _missing(self, name: str, expected: str) -> NoReturn:
        if name in self.values:
            self.refuse(name, None, expected)
        keys = ", ".join(map(repr, list(self.values)[:12])) or "none"
        raise BadLine(self.number, f"no {name!r} among the keys ({keys})", f"{name!r}: {expected}")


class _Refused(ValueError):
    # What the json module would let pass.
    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found, expected)
        self.found = found
        self.expected = expected


def _next(file: IO[bytes], number: int) -> bytes:
    try:
        raw = file.readline(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            _drop_rest(file, raw)
        return raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Unreadable(
            f"after line {number}: found damaged gzip data ({error}); expected more lines, or "
            "the end of the file"
        ) from error


def _drop_rest(file: IO[bytes], raw: bytes) -> None:
    while raw and not raw.endswith(b"\n"):
        raw = file.readline(2**20)


def _decode(raw: bytes, number: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"the byte 0x{raw[error.start]:02x} at position {error.start + 1}"
        bad = BadLine(number, found, "text in UTF-8")
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            bad.add_note("the file seems to be UTF-16: iconv -f UTF-16 -t UTF-8 FILE")
        raise bad from error


def _parse(text: str, number: int) -> object:
    try:
        return json.loads(text, parse_constant=_constant, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        near = text[error.pos : error.pos + 24].rstrip("\r\n")
        place = f"{near!r} at column {error.pos + 1}" if near else "the end of the line too early"
        raise BadLine(number, place, f"JSON ({error.msg})") from error
    except RecursionError as error:
        raise BadLine(number, "lists or objects nested too deep", "flat JSON") from error
    except _Refused as error:
        raise BadLine(number, error.found, error.expected) from error
    except ValueError as error:  # the digits of an integer are limited
        raise BadLine(number, "an integer of thousands of digits", "a shorter one") from error


def _constant(name: str) -> NoReturn:
    raise _Refused(f"{name}, which is not JSON", "a finite number, or null")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Refused(f"the key {twice!r} twice in one object", "each key once")
    return made


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False
